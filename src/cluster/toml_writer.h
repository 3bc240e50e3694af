// Writes a Value as TOML.
#pragma once

#include <string>

#include "api/value.h"

namespace pinnace::cluster {

// `value` is an object; nested objects become tables. Nulls, and lists of objects, are not TOML
// that we write: they break an invariant.
std::string write_toml(const api::Value& value);

}  // namespace pinnace::cluster
