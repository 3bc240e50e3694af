#include "api/defaults.h"

#include <string>

#include "api/default_rules.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/quantity.h"
#include "base/assert.h"

namespace pinnace::api {
namespace {

// A path that was followed as far as the object goes.
struct Place {
  const FieldInfo* field = nullptr;  // Of the last step.
  const Value* value = nullptr;
};

std::string_view take_until(std::string_view& text, std::string_view separator) {
  const auto at = text.find(separator);
  const auto part = text.substr(0, at);
  text = at == std::string_view::npos ? std::string_view{} : text.substr(at + separator.size());
  return part;
}

Place follow(const Value& object, const TypeInfo& type, std::string_view path) {
  Place place{nullptr, &object};
  const TypeInfo* owner = &type;
  while (!path.empty()) {
    const std::string_view step = take_until(path, ".");
    place.field = owner->field(step);
    PINNACE_ASSERT(place.field != nullptr);
    place.value = place.value == nullptr ? nullptr : place.value->find(step);
    owner = place.field->type;
  }
  return place;
}

bool is_set_at(const Value& object, const TypeInfo& type, std::string_view path) {
  const Place place = follow(object, type, path);
  return is_set(*place.field, place.value);
}

// One part of a condition: PATH, !PATH or PATH == "text".
bool holds_part(const Value& object, const TypeInfo& type, std::string_view part) {
  if (part.starts_with('!')) return !is_set_at(object, type, part.substr(1));
  const auto equals = part.find(" == \"");
  if (equals == std::string_view::npos) return is_set_at(object, type, part);
  const Place place = follow(object, type, part.substr(0, equals));
  const std::string_view wanted = part.substr(equals + 5, part.size() - equals - 6);
  return place.value != nullptr && place.value->is_string() && place.value->as_string() == wanted;
}

bool holds(const Value& object, const TypeInfo& type, std::string_view condition) {
  while (!condition.empty()) {
    if (!holds_part(object, type, take_until(condition, " and "))) return false;
  }
  return true;
}

// Sets the member at `path`, making the objects on the way.
void set_at(Arena& arena, Value& object, const TypeInfo& type, std::string_view path,
            const Value& value) {
  Value* here = &object;
  const TypeInfo* owner = &type;
  while (true) {
    const std::string_view step = take_until(path, ".");
    if (path.empty()) {
      if (value.is_null()) {
        here->erase(step);
      } else {
        set_in_order(arena, *here, *owner, step, value);
      }
      return;
    }
    Value* next = here->find(step);
    if (next == nullptr || !next->is_object()) {
      if (value.is_null()) return;
      next = &set_in_order(arena, *here, *owner, step, Value::object());
    }
    here = next;
    owner = owner->field(step)->type;
  }
}

Value parse_default(Arena& arena, std::string_view json) {
  auto value = parse_json(arena, json);
  PINNACE_ASSERT(value.has_value());
  return *value;
}

void apply_rule(Arena& arena, Value& object, const TypeInfo& type, const DefaultRule& rule) {
  constexpr std::string_view kNamed = "rule ";
  if (rule.value_json.starts_with(kNamed)) {
    if (!holds(object, type, rule.condition)) return;
    const auto function = find_default_function(rule.value_json.substr(kNamed.size()));
    PINNACE_ASSERT(function != nullptr);
    function(arena, object, type);
    return;
  }
  if (rule.value_json == "null") {
    if (holds(object, type, rule.condition)) set_at(arena, object, type, rule.path, Value::null());
    return;
  }
  if (is_set_at(object, type, rule.path) || !holds(object, type, rule.condition)) return;
  if (!rule.value_json.starts_with('$')) {
    set_at(arena, object, type, rule.path, parse_default(arena, rule.value_json));
    return;
  }
  const Place source = follow(object, type, rule.value_json.substr(1));
  if (is_set(*source.field, source.value)) {
    set_at(arena, object, type, rule.path, deep_copy(arena, *source.value));
  }
}

// Amounts of resources are kept in thousandths at the finest, rounded up.
void round_amounts(Arena& arena, Value& amounts) {
  for (Member& member : amounts.members()) {
    if (!member.value.is_string()) continue;
    const std::string_view text = member.value.as_string();
    if (!text.ends_with('n') && !text.ends_with('u')) continue;
    if (auto amount = Quantity::parse(text)) {
      member.value = Value::string(
          arena, Quantity::from_milli(amount->milli_value(), amount->format_kind()).format());
    }
  }
}

void apply_fields(Arena& arena, Value& object, const TypeInfo& type);

void apply_type(Arena& arena, Value& object, const TypeInfo& type) {
  if (!object.is_object() || type.form != TypeForm::kStruct) return;
  for (const DefaultRule& rule : type.defaults) apply_rule(arena, object, type, rule);
  apply_fields(arena, object, type);
}

void apply_below(Arena& arena, Value& value, const FieldInfo& field) {
  switch (field.container) {
    case Container::kOne:
      apply_type(arena, value, *field.type);
      return;
    case Container::kList:
      for (Value& item : value.items()) apply_type(arena, item, *field.type);
      return;
    case Container::kMap:
      for (Member& member : value.members()) apply_type(arena, member.value, *field.type);
      return;
  }
}

// Whether a declared default says more than the zero value that is written anyway.
bool is_worth_setting(const FieldInfo& field) {
  return field.is_pointer || (field.default_json != "\"\"" && field.default_json != "0" &&
                              field.default_json != "false");
}

void apply_field(Arena& arena, Value& object, const TypeInfo& owner, const FieldInfo& field) {
  Value* value = object.find(field.name);
  if (!field.default_json.empty() && !is_set(field, value) && is_worth_setting(field)) {
    value =
        &set_in_order(arena, object, owner, field.name, parse_default(arena, field.default_json));
  }
  if (value == nullptr) return;
  if (field.form == Form::kObject) {
    if (value->is_array() || value->is_object()) apply_below(arena, *value, field);
  } else if (field.form == Form::kQuantity && value->is_object()) {
    round_amounts(arena, *value);
  }
}

// `object` holds the members of `owner`; inline types have their fields in the same object.
void apply_inline(Arena& arena, Value& object, const TypeInfo& owner, const TypeInfo& part) {
  for (const FieldInfo& field : part.fields) {
    if (!field.is_inline) {
      apply_field(arena, object, owner, field);
      continue;
    }
    for (const DefaultRule& rule : field.type->defaults) {
      apply_rule(arena, object, *field.type, rule);
    }
    apply_inline(arena, object, owner, *field.type);
  }
}

void apply_fields(Arena& arena, Value& object, const TypeInfo& type) {
  apply_inline(arena, object, type, type);
}

}  // namespace

void apply_defaults(Arena& arena, Value& object, const TypeInfo& type) {
  apply_type(arena, object, type);
}

}  // namespace pinnace::api
