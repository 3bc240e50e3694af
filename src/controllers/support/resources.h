// The resources of the built-in schema for loops that treat all kinds alike.
#pragma once

#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/typed.h"

namespace pinnace::controllers {

// Every stored resource that is served with all these verbs, each once (under its storage version
// where that is served).
std::vector<const api::ResourceInfo*> resources_with(std::initializer_list<std::string_view> verbs);

inline api::ResourceName name_of(const api::ResourceInfo& resource) {
  return {resource.group, resource.version, resource.name, resource.kind, resource.namespaced};
}

}  // namespace pinnace::controllers
