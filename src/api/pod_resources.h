// What the containers of a pod need together, as its defaults, quotas and limit ranges count it.
//
// Source: k8s.io/component-helpers/resource (PodRequests, PodLimits).
#pragma once

#include <map>
#include <string_view>

#include "api/quantity.h"
#include "api/value.h"

namespace pinnace::api {

// A quantity in JSON; zero for what is none.
Quantity quantity_of(const Value* value);

// By the names of resources, which are those of the values that they were read from.
using Amounts = std::map<std::string_view, Quantity>;

// What a container, a pod or a claim says in its `resources`; `map` is "requests" or "limits".
Amounts amounts_of(const Value* resources, std::string_view map);
// What all containers have at once: the sum of those that last, or more while one of the init
// containers runs.
Amounts aggregate_of_containers(const Value& spec, std::string_view map);
// The same, but for what the pod says of itself.
Amounts amounts_of_pod(const Value& spec, std::string_view map);
// One of them, with the overhead of the pod's runtime class: a limit that is not there stays so.
Quantity amount_with_overhead(const Value& spec, std::string_view map, std::string_view name);
// Nothing in the pod asks for cpu or memory.
bool is_best_effort(const Value& spec);

// What a pod may say of itself beside its containers.
bool is_pod_level_resource(std::string_view name);
bool is_huge_page(std::string_view name);

}  // namespace pinnace::api
