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

std::string_view removed_release_of(const ResourceInfo& resource) {
  constexpr std::string_view kGone = "unavailable in v";
  std::string_view text = deprecation_of(resource);
  const auto at = text.find(kGone);
  if (at == std::string_view::npos) return {};
  text.remove_prefix(at + kGone.size());
  return text.substr(0, text.find('+'));
}

}  // namespace pinnace::api
