// Writes a Value as YAML in the block style that kubectl writes.
#pragma once

#include <string>

#include "api/value.h"

namespace pinnace::cluster {

// Strings are quoted wherever YAML could read them as something else. Ends with a newline.
std::string write_yaml(const api::Value& value);

}  // namespace pinnace::cluster
