// What a plain YAML 1.1 scalar means.
#pragma once

#include <string_view>

#include "api/value.h"

namespace pinnace::api {

// Null, a boolean or a number; a string that refers to `text` for all else. Not-a-number and
// infinity come back as such.
Value resolve_yaml_scalar(std::string_view text);

}  // namespace pinnace::api
