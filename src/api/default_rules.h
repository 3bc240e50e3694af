// The named rules of defaulting: those that need more than "this path gets this value".
#pragma once

#include <string_view>

#include "api/schema.h"
#include "api/value.h"

namespace pinnace::api {

using DefaultFunction = void (*)(Arena& arena, Value& object, const TypeInfo& type);

// The function of `: . = rule NAME`; nullptr for a name that is not known.
DefaultFunction find_default_function(std::string_view name);

}  // namespace pinnace::api
