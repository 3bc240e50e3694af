#include "api/deprecations.h"

#include <algorithm>
#include <tuple>

namespace pinnace::api {

std::string_view deprecation_of(const ResourceInfo& resource) {
  const auto key = [](const Deprecation& one) {
    return std::tie(one.group, one.version, one.resource);
  };
  const Deprecation wanted{resource.group, resource.version, resource.name, ""};
  const auto found =
      std::lower_bound(kAllDeprecations.begin(), kAllDeprecations.end(), wanted,
                       [&](const Deprecation& a, const Deprecation& b) { return key(a) < key(b); });
  if (found == kAllDeprecations.end() || key(*found) != key(wanted)) return {};
  return found->text;
}

}  // namespace pinnace::api
