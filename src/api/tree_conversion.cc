#include "api/tree_conversion.h"

#include <cmath>

namespace pinnace::api {
namespace {

std::string kind_of(const Value& value) {
  if (value.is_bool()) return "bool";
  if (value.is_int()) return "int64";
  if (value.is_number()) return "float64";
  if (value.is_string()) return "string";
  return value.is_array() ? "slice" : "map";
}

std::string scalar_name(Form form) {
  switch (form) {
    case Form::kBool:
      return "bool";
    case Form::kInt32:
      return "int32";
    case Form::kInt64:
      return "int64";
    case Form::kUint32:
      return "uint32";
    case Form::kUint64:
      return "uint64";
    case Form::kDouble:
      return "float64";
    case Form::kString:
      return "string";
    default:
      return "";  // Converts itself.
  }
}

bool has_form(const Value& value, Form form) {
  if (form == Form::kString) return value.is_string();
  if (form == Form::kBool) return value.is_bool();
  if (form == Form::kDouble || value.is_int()) return value.is_number();
  return value.is_number() && std::trunc(value.as_double()) == value.as_double();
}

std::string scalar_problem(const Value& value, Form form) {
  const std::string wanted = scalar_name(form);
  if (wanted.empty() || has_form(value, form)) return "";
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
  return object_problem(object, type);
}

}  // namespace pinnace::api
