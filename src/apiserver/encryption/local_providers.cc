// Providers whose keys stand in the configuration: identity, AES-GCM, AES-CBC, secretbox.
#include <atomic>
#include <cstdint>
#include <utility>
#include <vector>

#include "apiserver/encryption/provider.h"
#include "base/assert.h"
#include "net/cipher.h"

namespace pinnace::apiserver::encryption {

namespace {

using Opened = store::Transformer::Opened;

class Identity final : public Provider {
 public:
  std::string_view prefix() const override { return ""; }
  Result<std::string> seal(std::string_view plain, std::string_view) override {
    return std::string(plain);
  }
  Result<Opened> open(std::string_view kept, std::string_view) override {
    return Opened{std::string(kept), false};
  }
};

struct Cipher {
  ProviderConfiguration::Type type;
  std::string_view prefix, name;
  Result<std::string> (*seal)(std::string_view key, std::string_view plain,
                              std::string_view associated);
  Result<std::string> (*open)(std::string_view key, std::string_view sealed,
                              std::string_view associated);
};

Result<std::string> seal_gcm(std::string_view key, std::string_view plain,
                             std::string_view associated) {
  return net::aes_gcm_seal(key, net::random_bytes(net::kGcmNonceBytes), plain, associated);
}
Result<std::string> seal_cbc(std::string_view key, std::string_view plain, std::string_view) {
  return net::aes_cbc_seal(key, plain);
}
Result<std::string> open_cbc(std::string_view key, std::string_view sealed, std::string_view) {
  return net::aes_cbc_open(key, sealed);
}
Result<std::string> seal_secretbox(std::string_view key, std::string_view plain, std::string_view) {
  return net::secretbox_seal(key, net::random_bytes(net::kSecretboxNonceBytes), plain);
}
Result<std::string> open_secretbox(std::string_view key, std::string_view sealed,
                                   std::string_view) {
  return net::secretbox_open(key, sealed);
}

using Type = ProviderConfiguration::Type;
constexpr Cipher kCiphers[] = {
    {Type::kAesGcm, "k8s:enc:aesgcm:v1:", "AES-GCM", seal_gcm, net::aes_gcm_open},
    {Type::kAesCbc, "k8s:enc:aescbc:v1:", "AES-CBC", seal_cbc, open_cbc},
    {Type::kSecretbox, "k8s:enc:secretbox:v1:", "secretbox", seal_secretbox, open_secretbox},
};

// Random nonces of AES-GCM do not meet, but for a chance below 2^-32, as long as a key seals fewer
// values than this. A process counts its own; docs/SECURITY.md says what holds across restarts.
constexpr std::uint64_t kMaxSealsOfKey = std::uint64_t{1} << 32;

class Keyed final : public Provider {
 public:
  Keyed(const Cipher& cipher, std::vector<KeyConfiguration> keys)
      : cipher_(cipher), keys_(std::move(keys)) {}

  std::string_view prefix() const override { return cipher_.prefix; }

  Result<std::string> seal(std::string_view plain, std::string_view associated) override {
    const KeyConfiguration& key = keys_.front();
    if (seals_.fetch_add(1, std::memory_order_relaxed) >= kMaxSealsOfKey) {
      return errors::internal("encryption key " + key.name +
                              " has sealed as many values as it may: rotate it");
    }
    auto sealed = cipher_.seal(key.secret, plain, associated);
    if (!sealed) return sealed;
    return std::string(cipher_.prefix) + key.name + ':' + *sealed;
  }

  Result<Opened> open(std::string_view kept, std::string_view associated) override {
    const std::string_view named = kept.substr(cipher_.prefix.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const KeyConfiguration& key = keys_[i];
      if (!named.starts_with(key.name) || named.size() <= key.name.size() ||
          named[key.name.size()] != ':') {
        continue;
      }
      auto plain = cipher_.open(key.secret, named.substr(key.name.size() + 1), associated);
      if (!plain) return std::unexpected(std::move(plain.error()));
      return Opened{std::move(*plain), i != 0};
    }
    return errors::internal("no matching key was found for the provided " +
                            std::string(cipher_.name) + " transformer");
  }

 private:
  const Cipher& cipher_;
  const std::vector<KeyConfiguration> keys_;
  std::atomic<std::uint64_t> seals_{0};
};

}  // namespace

std::unique_ptr<Provider> make_local_provider(ProviderConfiguration configuration) {
  for (const Cipher& cipher : kCiphers) {
    if (cipher.type == configuration.type) {
      return std::make_unique<Keyed>(cipher, std::move(configuration.keys));
    }
  }
  PINNACE_ASSERT(configuration.type == Type::kIdentity);
  return std::make_unique<Identity>();
}

}  // namespace pinnace::apiserver::encryption
