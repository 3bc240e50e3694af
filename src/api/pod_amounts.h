// What a pod asks for in all, as quotas and limit ranges count it.
//
// Source: k8s.io/component-helpers resource.PodRequests and PodLimits.
#pragma once

#include <string_view>

#include "api/quantity.h"
#include "api/value.h"

namespace pinnace::api {

// A quantity in JSON; zero for what is none.
Quantity quantity_of(const Value* value);

// The sum over the containers (`kind`: "requests" or "limits"), or what an init container needs
// when that is more; init containers that run on count as containers. What the pod as a whole asks
// for (spec.resources) comes before that. With the overhead of its runtime class.
Quantity pod_amount(const Value& pod, std::string_view kind, std::string_view name);
// Whether anything in the pod names such an amount.
bool pod_names_amount(const Value& pod, std::string_view kind, std::string_view name);
// Nothing in it asks for cpu or memory.
bool is_best_effort(const Value& pod);

}  // namespace pinnace::api
