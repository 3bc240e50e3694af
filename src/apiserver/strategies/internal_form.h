// Objects as Kubernetes shows them where it complains about a whole one.
//
// Why: its rules look at Go structs of its own, whose members have no names for JSON: they are
//   shown by their names in Go, all of them, in the order of the struct.
#pragma once

#include <string>
#include <string_view>

#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

// `field` as a value, or a list of values, of a type of `group` and "v1".
std::string internal_form(const Field& field, std::string_view group, std::string_view type);

}  // namespace pinnace::apiserver
