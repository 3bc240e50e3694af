#include "controllers/support/resources.h"

#include <algorithm>

namespace pinnace::controllers {
namespace {

bool is_storage_version(const api::ResourceInfo& resource) {
  const auto slash = resource.storage_version.find('/');
  if (slash == std::string_view::npos) {
    return resource.group.empty() && resource.version == resource.storage_version;
  }
  return resource.storage_version.substr(0, slash) == resource.group &&
         resource.storage_version.substr(slash + 1) == resource.version;
}

}  // namespace

std::vector<const api::ResourceInfo*> resources_with(
    std::initializer_list<std::string_view> verbs) {
  std::vector<const api::ResourceInfo*> found;
  for (const auto& resource : api::builtin_schema().resources) {
    if (!resource.enabled || resource.storage_resource.empty()) continue;
    if (!std::all_of(verbs.begin(), verbs.end(),
                     [&](std::string_view verb) { return resource.has_verb(verb); })) {
      continue;
    }
    const auto same = std::find_if(found.begin(), found.end(), [&](const auto* other) {
      return other->storage_resource == resource.storage_resource;
    });
    if (same == found.end())
      found.push_back(&resource);
    else if (is_storage_version(resource))
      *same = &resource;
  }
  return found;
}

}  // namespace pinnace::controllers
