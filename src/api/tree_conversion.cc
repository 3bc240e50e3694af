#include "api/tree_conversion.h"

#include <cmath>

#include "api/go_text.h"

namespace pinnace::api {
namespace {

std::string kind_of(const Value& value) {
  if (value.is_array()) return "slice";
  return value.is_object() ? "map" : std::string(go_type(value));
}

// Others turn texts into themselves, or say why not.
bool is_plain(Form form) {
  return form == Form::kBool || form == Form::kInt32 || form == Form::kInt64 ||
         form == Form::kUint32 || form == Form::kUint64 || form == Form::kDouble ||
         form == Form::kString;
}

bool has_form(const Value& value, Form form) {
  if (form == Form::kString) return value.is_string();
  if (form == Form::kBool) return value.is_bool();
  if (form == Form::kDouble || value.is_int()) return value.is_number();
  return value.is_number() && std::trunc(value.as_double()) == value.as_double();
}

std::string scalar_problem(const Value& value, Form form) {
  if (!is_plain(form) || has_form(value, form)) return "";
  const std::string wanted(go_name(form));
  // What Go could turn into the other is told apart from what it could not.
  const bool is_close = value.is_int()
                            ? form == Form::kString
                            : value.is_number() && form != Form::kBool && form != Form::kString;
  return is_close ? "cannot convert " + kind_of(value) + " to " + wanted
                  : "unrecognized type: " + wanted;
}

std::string object_problem(const Value& object, const TypeInfo& type);

std::string element_problem(const Value& value, const FieldInfo& field) {
  if (value.is_null()) return "";
  if (field.form == Form::kBytes && !value.is_string()) {
    return "cannot restore slice from " + kind_of(value);
  }
  if (field.form != Form::kObject) return scalar_problem(value, field.form);
  if (field.type->form != TypeForm::kStruct) return "";
  if (!value.is_object()) return "cannot restore struct from: " + kind_of(value);
  return object_problem(value, *field.type);
}

std::string field_problem(const Value& value, const FieldInfo& field) {
  if (value.is_null()) return "";
  std::string problem;
  if (field.container == Container::kList) {
    if (!value.is_array()) return "cannot restore slice from " + kind_of(value);
    for (const Value& item : value.items()) {
      if (problem.empty()) problem = element_problem(item, field);
    }
  } else if (field.container == Container::kMap) {
    if (!value.is_object()) return "cannot restore map from " + kind_of(value);
    for (const Member& member : value.members()) {
      if (problem.empty()) problem = element_problem(member.value, field);
    }
  } else {
    problem = element_problem(value, field);
  }
  return problem;
}

std::string object_problem(const Value& object, const TypeInfo& type) {
  for (const FieldInfo& field : type.fields) {
    const Value* value = field.is_inline ? &object : object.find(field.name);
    if (value == nullptr) continue;
    const std::string problem =
        field.is_inline ? object_problem(object, *field.type) : field_problem(*value, field);
    if (!problem.empty()) return problem;
  }
  return "";
}

}  // namespace

std::string conversion_problem(const Value& object, const TypeInfo& type) {
  // What every object has comes first.
  for (const std::string_view key : {"kind", "apiVersion"}) {
    const Value* value = object.find(key);
    if (value == nullptr || value->is_null()) continue;
    if (std::string problem = scalar_problem(*value, Form::kString); !problem.empty()) {
      return problem;
    }
  }
  return object_problem(object, type);
}

}  // namespace pinnace::api
