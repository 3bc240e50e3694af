// What a pod asks for in all, as quotas and limit ranges count it.
#pragma once

#include <string_view>

#include "api/quantity.h"
#include "api/value.h"

namespace pinnace::apiserver {

// A quantity in JSON; zero for what is none.
api::Quantity quantity_of(const api::Value* value);

// The sum over the containers (`kind`: "requests" or "limits"), or what an init container needs
// when that is more; init containers that run on count as containers.
api::Quantity pod_amount(const api::Value& pod, std::string_view kind, std::string_view name);

}  // namespace pinnace::apiserver
