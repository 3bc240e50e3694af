#include "cluster/encryption_key.h"

#include <algorithm>
#include <vector>

#include "apiserver/encryption/configuration.h"
#include "apiserver/encryption/transformer.h"
#include "base/strings.h"
#include "io/files.h"
#include "net/cipher.h"

namespace pinnace::cluster {

namespace {

namespace encryption = apiserver::encryption;
using Keys = std::vector<encryption::KeyConfiguration>;

constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kKeyPrefix = "key";

Result<Keys> read_keys(const std::string& path) {
  auto text = io::read_file(path, encryption::kMaxConfigurationBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  auto configuration = encryption::parse_configuration(*text);
  if (!configuration) return std::unexpected(std::move(configuration.error()));
  for (auto& provider : configuration->rules.front().providers) {
    if (provider.type == encryption::ProviderConfiguration::Type::kAesGcm) {
      return std::move(provider.keys);
    }
  }
  return errors::bad_request(path + " has no key for aesgcm");
}

Result<void> write_keys(const std::string& path, const Keys& keys) {
  std::string text =
      "# Encrypts what is kept. Whoever has this file can read it; without it nobody can.\n"
      "apiVersion: apiserver.config.k8s.io/v1\n"
      "kind: EncryptionConfiguration\n"
      "resources:\n"
      "- resources:\n"
      "  - secrets\n"
      "  providers:\n"
      "  - aesgcm:\n"
      "      keys:\n";
  for (const auto& key : keys) {
    text += "      - name: " + key.name + "\n        secret: " + base64_encode(key.secret) + '\n';
  }
  text += "  - identity: {}\n";
  return io::write_file_atomic(path, text, 0600);
}

// One more than the highest number that a key has.
std::string next_name(const Keys& keys) {
  std::uint64_t highest = 0;
  for (const auto& key : keys) {
    if (!key.name.starts_with(kKeyPrefix)) continue;
    highest = std::max(highest, parse_uint(key.name.substr(kKeyPrefix.size())).value_or(0));
  }
  return std::string(kKeyPrefix) + std::to_string(highest + 1);
}

}  // namespace

Result<std::string> find_encryption_file(const std::string& named, const Settings& settings,
                                         const StoreSettings& store) {
  if (!named.empty()) return named;
  const std::string own = settings.encryption_file();
  if (io::exists(own)) return own;
  if (store.is_shared()) return std::string();
  auto made = io::make_directories(settings.pki_dir(), 0700);
  if (made) made = write_keys(own, {{next_name({}), net::random_bytes(kKeyBytes)}});
  if (!made) return std::unexpected(std::move(made.error()));
  return own;
}

Result<std::shared_ptr<store::Transformer>> open_transformer(const std::string& named,
                                                             const Settings& settings,
                                                             const StoreSettings& store) {
  auto file = find_encryption_file(named, settings, store);
  if (!file) return std::unexpected(std::move(file.error()));
  if (file->empty()) return nullptr;
  auto text = io::read_file(*file, encryption::kMaxConfigurationBytes);
  if (!text) return std::unexpected(std::move(text.error()));
  auto configuration = encryption::parse_configuration(*text);
  if (!configuration) return std::unexpected(std::move(configuration.error()));
  return encryption::ConfiguredTransformer::create(std::move(*configuration), real_clock());
}

Result<void> add_encryption_key(const std::string& path) {
  auto keys = read_keys(path);
  if (!keys) return std::unexpected(std::move(keys.error()));
  keys->insert(keys->begin(), {next_name(*keys), net::random_bytes(kKeyBytes)});
  return write_keys(path, *keys);
}

Result<void> drop_old_encryption_keys(const std::string& path) {
  auto keys = read_keys(path);
  if (!keys) return std::unexpected(std::move(keys.error()));
  keys->resize(1);
  return write_keys(path, *keys);
}

}  // namespace pinnace::cluster
