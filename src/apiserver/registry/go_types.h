// Names of the types that Kubernetes itself handles objects as; some of its messages have them.
#pragma once

#include <string>
#include <string_view>

#include "api/schema.h"

namespace pinnace::apiserver {

// "core", "apps": the package of the form that all versions of a kind have in memory.
std::string_view internal_package(std::string_view group, std::string_view kind);
// "*core.ConfigMap", or "*core.ConfigMapList".
std::string internal_type(const api::ResourceInfo& resource, bool is_list);

}  // namespace pinnace::apiserver
