// `status.conditions` of an object.
//
// Source: the API conventions of Kubernetes, "Typical status properties".
#pragma once

#include <string_view>

#include "api/value.h"
#include "base/clock.h"

namespace pinnace::apiserver {

struct Condition {
  std::string_view type, status, reason, message;
};

// Null where there is none of that type.
api::Value* find_condition(api::Value& object, std::string_view type);
const api::Value* find_condition(const api::Value& object, std::string_view type);
bool is_condition_true(const api::Value& object, std::string_view type);
// A condition whose status stays keeps its time. False if nothing changed.
bool set_condition(api::Arena& arena, api::Value& object, const Condition& condition, WallTime now);

}  // namespace pinnace::apiserver
