#include "apiserver/encryption/configuration.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>

#include "api/json.h"
#include "api/time.h"
#include "api/yaml.h"
#include "base/strings.h"

namespace pinnace::apiserver::encryption {

namespace {

using api::Value;
using Type = ProviderConfiguration::Type;

struct Faults {
  std::vector<Cause> causes;
  void add(Cause cause) { causes.push_back(std::move(cause)); }
  void invalid(const std::string& field, std::string_view value, std::string_view why) {
    add(cause::invalid(field, '"' + std::string(value) + '"', why));
  }
};

// False: it is no object, and nothing can be read from it.
bool check_members(const Value& object, std::span<const std::string_view> known,
                   const std::string& path, Faults& faults) {
  if (!object.is_object()) {
    faults.add(cause::type_invalid(path, api::to_json_text(object), "must be an object"));
    return false;
  }
  for (const auto& [name, value] : object.members()) {
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      faults.add(
          cause::forbidden(path + (path.empty() ? "" : ".") + std::string(name), "unknown field"));
    }
  }
  return true;
}

// The entries of a list that must be there and not be empty.
std::span<const Value> list_at(const Value& object, std::string_view name, const std::string& path,
                               std::string_view what, Faults& faults) {
  const Value* list = object.find(name);
  if (list == nullptr || list->empty()) {
    faults.add(cause::required(path, "at least one " + std::string(what) + " is required"));
    return {};
  }
  if (!list->is_array()) {
    faults.add(cause::type_invalid(path, api::to_json_text(*list), "must be a list"));
    return {};
  }
  return list->items();
}

struct KeyedProvider {
  std::string_view name;
  Type type;
  std::array<std::size_t, 3> key_bytes;
  std::string_view allowed;
};
constexpr KeyedProvider kKeyedProviders[] = {
    {"aesgcm", Type::kAesGcm, {16, 24, 32}, "[16 24 32]"},
    {"aescbc", Type::kAesCbc, {16, 24, 32}, "[16 24 32]"},
    {"secretbox", Type::kSecretbox, {32, 32, 32}, "[32]"},
};

KeyConfiguration read_key(const Value& entry, const KeyedProvider& provider,
                          const std::string& path, Faults& faults) {
  static constexpr std::string_view kKnown[] = {"name", "secret"};
  if (!check_members(entry, kKnown, path, faults)) return {};
  KeyConfiguration key{std::string(entry.string_at("name")), {}};
  if (key.name.empty()) {
    faults.add(cause::required(path + ".name", "name is a mandatory field for a key"));
  } else if (key.name.find(':') != std::string::npos) {
    faults.invalid(path + ".name", key.name, "must not contain ':'");
  }
  const std::string_view secret = entry.string_at("secret");
  if (secret.empty()) {
    faults.add(cause::required(path + ".secret", "secret is a mandatory field for a key"));
    return key;
  }
  auto bytes = base64_decode(secret);
  if (!bytes) {
    faults.invalid(path + ".secret", "REDACTED", "secrets must be base64 encoded");
    return key;
  }
  const auto& sizes = provider.key_bytes;
  if (std::find(sizes.begin(), sizes.end(), bytes->size()) == sizes.end()) {
    faults.invalid(path + ".secret", "REDACTED",
                   "secret is not of the expected length, got " + std::to_string(bytes->size()) +
                       ", expected one of " + std::string(provider.allowed));
  }
  key.secret = std::move(*bytes);
  return key;
}

void read_keys(const Value& from, const KeyedProvider& kind, const std::string& path,
               ProviderConfiguration& provider, Faults& faults) {
  static constexpr std::string_view kKnown[] = {"keys"};
  if (!check_members(from, kKnown, path, faults)) return;
  provider.type = kind.type;
  std::size_t index = 0;
  for (const Value& entry : list_at(from, "keys", path + ".keys", "keys", faults)) {
    auto key = read_key(entry, kind, path + ".keys[" + std::to_string(index++) + ']', faults);
    for (const auto& other : provider.keys) {
      if (other.name == key.name)
        faults.add(cause::duplicate(path + ".keys", '"' + key.name + '"'));
    }
    provider.keys.push_back(std::move(key));
  }
}

void read_kms(const Value& from, const std::string& path, ProviderConfiguration& provider,
              std::set<std::string>& kms_names, Faults& faults) {
  static constexpr std::string_view kKnown[] = {"apiVersion", "name", "endpoint", "timeout",
                                                "cachesize"};
  if (!check_members(from, kKnown, path, faults)) return;
  provider.type = Type::kKms;
  const std::string_view version = from.string_at("apiVersion");
  if (version.empty() || version == "v1") {
    faults.invalid(path + ".apiVersion", version,
                   "KMSv1 is deprecated and will only receive security updates going forward. Use "
                   "KMSv2 instead");
  } else if (version != "v2") {
    faults.invalid(path + ".apiVersion", version,
                   "unsupported apiVersion " + std::string(version) +
                       " for KMS provider, only v1 and v2 are supported");
  }
  if (from.find("cachesize") != nullptr) {
    faults.invalid(path + ".cachesize", api::to_json_text(*from.find("cachesize")),
                   "cachesize is not supported in v2");
  }
  provider.name = from.string_at("name");
  if (provider.name.empty()) {
    faults.add(cause::required(path + ".name", "name is a mandatory field for a provider"));
  } else if (provider.name.find(':') != std::string::npos) {
    faults.invalid(path + ".name", provider.name,
                   "invalid KMS provider name " + provider.name + ", must not contain ':'");
  } else if (!kms_names.insert(provider.name).second) {
    faults.invalid(path + ".name", provider.name,
                   "duplicate KMS provider name " + provider.name + ", names must be unique");
  }
  provider.endpoint = from.string_at("endpoint");
  if (provider.endpoint.empty()) {
    faults.add(cause::required(path + ".endpoint", "endpoint is a mandatory field for a provider"));
  } else if (!provider.endpoint.starts_with("unix://")) {
    const auto scheme = provider.endpoint.substr(0, provider.endpoint.find(':'));
    faults.invalid(
        path + ".endpoint", provider.endpoint,
        "unsupported scheme \"" + scheme + "\" for KMS provider, only unix is supported");
  }
  if (from.find("timeout") == nullptr) return;
  const auto timeout = api::parse_duration(from.string_at("timeout"));
  if (timeout && timeout->count() > 0) {
    provider.timeout = *timeout;
  } else {
    faults.invalid(path + ".timeout", from.string_at("timeout"),
                   "timeout should be a positive value");
  }
}

ProviderConfiguration read_provider(const Value& from, const std::string& path,
                                    std::set<std::string>& kms_names, Faults& faults) {
  ProviderConfiguration provider;
  static constexpr std::string_view kKnown[] = {"aesgcm", "aescbc", "secretbox", "identity", "kms"};
  if (!check_members(from, kKnown, path, faults)) return provider;
  if (from.size() > 1) {
    faults.invalid(path, "...",
                   "more than one provider specified in a single element, should split into "
                   "different list elements");
    return provider;
  }
  if (from.size() == 0) {
    faults.add(cause::required(path, "at least one provider is required"));
    return provider;
  }
  const auto& [name, value] = from.members()[0];
  for (const auto& kind : kKeyedProviders) {
    if (name == kind.name) read_keys(value, kind, path + '.' + std::string(name), provider, faults);
  }
  if (name == "kms") read_kms(value, path + ".kms", provider, kms_names, faults);
  return provider;
}

// Why a resource cannot stand in a rule; empty: it can.
std::string_view fault_of(std::string_view name, const ResourcePattern& pattern) {
  if (std::any_of(name.begin(), name.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
    return "resource name should not contain capital letters";
  }
  if (name == "*" || name.empty()) {
    return "use '*.' to encrypt all the resources from core API group or *.* to encrypt all "
           "resources";
  }
  if (pattern.resource != "*" && pattern.group == "*") {
    return "encrypting the same resource across groups is not supported";
  }
  if (pattern.group == "events.k8s.io") {
    return "'*.events.k8s.io' objects are stored using the 'events' API group in etcd. Use "
           "'events' instead in the config file";
  }
  if (pattern.group == "extensions") {
    return "'extensions' group has been removed and cannot be used for encryption";
  }
  if (pattern.group.empty() &&
      (pattern.resource == "apiserveripinfo" || pattern.resource == "serviceipallocations" ||
       pattern.resource == "servicenodeportallocations")) {
    return "resources which do not have REST API/s cannot be encrypted";
  }
  return "";
}

bool covers(const ResourcePattern& wide, const ResourcePattern& narrow) {
  return wide.resource == "*" && (wide.group == "*" || wide.group == narrow.group) &&
         !(narrow.resource == "*" && narrow.group == wide.group);
}

void read_resources(const Value& from, const std::string& path, Rule& rule, Faults& faults) {
  std::set<std::string_view> seen;
  std::size_t index = 0;
  for (const Value& entry : list_at(from, "resources", path, "resources", faults)) {
    const std::string at = path + '[' + std::to_string(index++) + ']';
    const std::string_view name = entry.is_string() ? entry.as_string() : std::string_view();
    const auto dot = name.find('.');
    ResourcePattern pattern{
        std::string(name.substr(0, dot)),
        dot == std::string_view::npos ? std::string() : std::string(name.substr(dot + 1))};
    if (const auto why = fault_of(name, pattern); !why.empty()) faults.invalid(at, name, why);
    if (!seen.insert(name).second) {
      faults.invalid(at, name, "the same resource cannot be specified multiple times");
    }
    rule.resources.push_back(std::move(pattern));
  }
  for (const auto& wide : rule.resources) {
    for (const auto& narrow : rule.resources) {
      if (!covers(wide, narrow)) continue;
      faults.invalid(path, "...",
                     "using overlapping resources such as 'secrets' and '*.' in the same resource "
                     "list is not allowed as they will be masked");
      return;
    }
  }
}

std::string text_of(const ResourcePattern& pattern) {
  return pattern.group.empty() && pattern.resource != "*" ? pattern.resource
                                                          : pattern.resource + '.' + pattern.group;
}

// A rule that can never be reached is a mistake.
void check_masks(const std::vector<Rule>& rules, Faults& faults) {
  for (std::size_t later = 1; later < rules.size(); ++later) {
    for (const auto& narrow : rules[later].resources) {
      for (std::size_t earlier = 0; earlier < later; ++earlier) {
        for (const auto& wide : rules[earlier].resources) {
          if (!covers(wide, narrow)) continue;
          faults.invalid("resources[" + std::to_string(later) + "].resources", text_of(narrow),
                         "resource \"" + text_of(narrow) + "\" is masked by earlier rule \"" +
                             text_of(wide) + '"');
        }
      }
    }
  }
}

}  // namespace

Result<EncryptionConfiguration> parse_configuration(std::string_view text) {
  if (text.size() > kMaxConfigurationBytes) return errors::bad_request("the file is too long");
  api::Arena arena;
  auto root = api::parse_yaml(arena, text);
  if (!root) return std::unexpected(std::move(root.error()));
  if (root->string_at("kind") != "EncryptionConfiguration" ||
      root->string_at("apiVersion") != "apiserver.config.k8s.io/v1") {
    return errors::bad_request(
        "must be an EncryptionConfiguration of apiserver.config.k8s.io/v1, and is \"" +
        std::string(root->string_at("kind")) + "\" of \"" +
        std::string(root->string_at("apiVersion")) + '"');
  }
  Faults faults;
  static constexpr std::string_view kKnown[] = {"apiVersion", "kind", "metadata", "resources"};
  static constexpr std::string_view kKnownOfRule[] = {"resources", "providers"};
  check_members(*root, kKnown, "", faults);
  EncryptionConfiguration configuration;
  std::set<std::string> kms_names;
  std::size_t index = 0;
  for (const Value& entry : list_at(*root, "resources", "resources", "resources", faults)) {
    const std::string path = "resources[" + std::to_string(index++) + ']';
    if (!check_members(entry, kKnownOfRule, path, faults)) continue;
    Rule rule;
    read_resources(entry, path + ".resources", rule, faults);
    const std::string providers = path + ".providers";
    std::size_t at = 0;
    for (const Value& provider : list_at(entry, "providers", providers, "providers", faults)) {
      rule.providers.push_back(
          read_provider(provider, providers + '[' + std::to_string(at++) + ']', kms_names, faults));
    }
    configuration.rules.push_back(std::move(rule));
  }
  check_masks(configuration.rules, faults);
  if (faults.causes.empty()) return configuration;
  return errors::invalid("EncryptionConfiguration", "", std::move(faults.causes));
}

}  // namespace pinnace::apiserver::encryption
