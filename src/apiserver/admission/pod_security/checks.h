// The checks of the Pod Security Standards: what a pod does that its level forbids.
//
// Why a function for each: the standards are a list, and each check has its own words.
// Threads: any. Source: kubernetes.io/docs/concepts/security/pod-security-standards, and
//   k8s.io/pod-security-admission for the words.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

enum class SecurityLevel : std::uint8_t { kPrivileged, kBaseline, kRestricted };
std::string_view level_name(SecurityLevel level);

// The latest version counts as newer than every other.
inline constexpr int kLatestMinor = std::numeric_limits<int>::max() - 1;

// A level as of some minor version of Kubernetes.
struct SecurityPolicy {
  SecurityLevel level = SecurityLevel::kPrivileged;
  int minor = kLatestMinor;

  std::string text() const;  // "restricted:latest"
  bool is_latest() const { return minor == kLatestMinor; }
  // Whether the two forbid the same.
  bool is_like(const SecurityPolicy& other) const {
    return *this == other || (level == other.level && level == SecurityLevel::kPrivileged);
  }
  bool operator==(const SecurityPolicy&) const = default;
};
// "baseline" and "v1.25" or "latest".
Result<SecurityLevel> parse_security_level(std::string_view text);
Result<int> parse_security_version(std::string_view text);

// What is forbidden, with details in parentheses, comma-separated; "" for a pod that is in order.
// `meta` and `spec` are those of a pod or of a template; either may be null.
std::string security_violations(const SecurityPolicy& policy, const api::Value* meta,
                                const api::Value* spec);
// The same without the details.
std::string security_reasons(const SecurityPolicy& policy, const api::Value* meta,
                             const api::Value* spec);

}  // namespace pinnace::apiserver
