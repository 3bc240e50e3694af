// The checks of the Pod Security Standards: what a pod does that its level forbids.
//
// Why a function for each: the standards are a list, and each check has its own words.
// Threads: any. Source: kubernetes.io/docs/concepts/security/pod-security-standards, and
//   k8s.io/pod-security-admission for the words.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

enum class SecurityLevel : std::uint8_t { kPrivileged, kBaseline, kRestricted };
std::string_view level_name(SecurityLevel level);

// A level as of some minor version of Kubernetes; 0: the latest.
struct SecurityPolicy {
  SecurityLevel level = SecurityLevel::kPrivileged;
  int minor = 0;

  std::string text() const;  // "restricted:latest"
  bool is_latest() const { return minor == 0; }
  bool operator==(const SecurityPolicy&) const = default;
};
// "baseline" and "v1.25" or "latest"; nothing written means privileged and latest.
Result<SecurityLevel> parse_security_level(std::string_view text);
Result<int> parse_security_version(std::string_view text);

// What is forbidden, with details in parentheses, comma-separated; "" for a pod that is in order.
// `meta` and `spec` are those of a pod or of a template; either may be null.
std::string security_violations(const SecurityPolicy& policy, const api::Value* meta,
                                const api::Value* spec);

}  // namespace pinnace::apiserver
