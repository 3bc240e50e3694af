// EncryptionConfiguration says which resources are encrypted where they are kept, and with what.
//
// Errors: 400 with every fault, each with its path, worded as kube-apiserver does.
// Bounds: kMaxConfigurationBytes of text.
// Source: kubernetes.io/docs/tasks/administer-cluster/encrypt-data (apiserver.config.k8s.io/v1).
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver::encryption {

inline constexpr std::size_t kMaxConfigurationBytes = 1 << 20;

struct KeyConfiguration {
  std::string name;
  std::string secret;  // The bytes, no longer base64.
};

struct ProviderConfiguration {
  enum class Type : unsigned char { kIdentity, kAesGcm, kAesCbc, kSecretbox, kKms };
  Type type = Type::kIdentity;
  std::vector<KeyConfiguration> keys;  // The first one writes.
  // kKms.
  std::string name;
  std::string endpoint;  // "unix:///run/kms.sock"
  Duration timeout = std::chrono::seconds(3);
};

// "secrets", "deployments.apps", "*.apps", "*." (the core group) and "*.*".
struct ResourcePattern {
  std::string resource, group;
};

struct Rule {
  std::vector<ResourcePattern> resources;
  std::vector<ProviderConfiguration> providers;  // The first one writes, all of them read.
};

struct EncryptionConfiguration {
  std::vector<Rule> rules;
};

// YAML or JSON.
Result<EncryptionConfiguration> parse_configuration(std::string_view text);

}  // namespace pinnace::apiserver::encryption
