// Versions of APIs by what their names say of them: "v2beta3" is a beta, the third before v2.
//
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Version priority".
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pinnace::api {

enum class Stability : std::uint8_t { kAlpha = 1, kBeta, kStable };

struct VersionRank {
  std::uint64_t major = 0;
  Stability stability = Stability::kStable;
  std::uint64_t minor = 0;  // 0 of what is stable.
};

// Nothing for names of another form.
std::optional<VersionRank> version_rank(std::string_view name);

// v2, v1, v1beta2, v1alpha1, then others by their letters.
bool is_preferred_version(std::string_view a, std::string_view b);

}  // namespace pinnace::api
