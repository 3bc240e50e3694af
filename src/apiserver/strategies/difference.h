// What differs between two values, for messages about what may not change.
//
// Bounds: names at most 20 places; a longer value is cut after 200 bytes.
#pragma once

#include <string>

#include "api/value.h"

namespace pinnace::apiserver {

// A line break and then, for each place, "- PATH: VALUE" as it was and "+ PATH: VALUE" as it is.
std::string difference(const api::Value& before, const api::Value& after);

}  // namespace pinnace::apiserver
