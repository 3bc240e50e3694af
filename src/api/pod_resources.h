// What the containers of a pod need together.
//
// Source: k8s.io/component-helpers/resource.
#pragma once

#include <map>
#include <string_view>

#include "api/quantity.h"
#include "api/value.h"

namespace pinnace::api {

// What all containers have at once, of their `requests` or `limits`: the sum of those that last, or
// more while one of the init containers runs. The names of resources are those of `spec`.
using Amounts = std::map<std::string_view, Quantity>;
Amounts aggregate_of_containers(const Value& spec, std::string_view map);

// What a pod may say of itself beside its containers.
bool is_pod_level_resource(std::string_view name);
bool is_huge_page(std::string_view name);

}  // namespace pinnace::api
