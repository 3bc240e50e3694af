// Objects as Kubernetes shows them where it complains about a whole one.
//
// Why: its rules look at Go structs of its own, whose members have no names for JSON: they are
//   shown by their names in Go, all of them, in the order of the struct.
#pragma once

#include <string>
#include <string_view>

#include "api/schema.h"
#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

// `value`, or what is there when nobody sets one, as that of a field or as one item of it.
std::string internal_form(const api::Value* value, const api::FieldInfo& place);
std::string internal_form(const api::Value& value, const api::TypeInfo& type);
// `field` as a value, or a list of values, of a type of `group` and "v1".
std::string internal_form(const Field& field, std::string_view group, std::string_view type);

}  // namespace pinnace::apiserver
