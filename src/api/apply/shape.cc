#include "api/apply/shape.h"

#include <string>

#include "api/go_text.h"
#include "api/json.h"

namespace pinnace::api::apply {
namespace {

// What a key counts as that an item does not have: its default, or the zero of what is always
// there.
std::optional<Value> absent_key(Arena& arena, const FieldInfo& field) {
  if (!field.default_json.empty()) {
    const auto value = parse_json(arena, field.default_json);
    if (value) return *value;
  }
  if (field.is_pointer || field.omit_empty || field.container != Container::kOne) {
    return std::nullopt;
  }
  switch (field.form) {
    case Form::kString:
      return Value::string_ref("");
    case Form::kInt32:
    case Form::kInt64:
      return Value::integer(0);
    default:
      return std::nullopt;
  }
}

std::string go_list(std::span<const std::string_view> names) {
  std::string text = "[";
  for (const std::string_view name : names) text += (text.size() > 1 ? " " : "") + go_quoted(name);
  return text + "]";
}

Result<PathElement> keyed(Arena& arena, const FieldInfo& list, const Value& item) {
  if (item.is_null()) {
    return errors::bad_request("associative list with keys may not have a null element");
  }
  if (!item.is_object()) {
    return errors::bad_request("associative list with keys may not have non-map elements");
  }
  Value keys = Value::object();
  keys.reserve_entries(arena, list.list_map_keys.size());
  for (const std::string_view name : list.list_map_keys) {
    if (const Value* found = item.find(name)) {
      keys.add_ref(arena, name, *found);
      continue;
    }
    const FieldInfo* field = list.type == nullptr ? nullptr : list.type->field(name);
    const auto absent = field == nullptr ? std::nullopt : absent_key(arena, *field);
    if (absent) keys.add_ref(arena, name, *absent);
  }
  if (keys.empty()) {
    return errors::bad_request(
        "associative list with keys has an element that omits all key fields " +
        go_list(list.list_map_keys) + " (and doesn't have default values for any key fields)");
  }
  return PathElement::key(arena, keys);
}

Result<PathElement> in_set(Arena& arena, const Value& item) {
  switch (item.type()) {
    case Value::Type::kObject:
      return errors::bad_request("associative list without keys has an element that's a map type");
    case Value::Type::kArray:
      return errors::bad_request("not supported: associative list with lists as elements");
    case Value::Type::kNull:
      return errors::bad_request(
          "associative list without keys has an element that's an explicit null");
    default:
      return PathElement::value(arena, item);
  }
}

}  // namespace

Shape Shape::of_field(const FieldInfo& field) {
  switch (field.container) {
    case Container::kList:
      return {Kind::kList, &field, nullptr, field.list_type == ListType::kAtomic};
    case Container::kMap:
      return {Kind::kMap, &field, nullptr, field.list_type == ListType::kAtomic};
    case Container::kOne:
      break;
  }
  return of_element(field, true);
}

Shape Shape::of_element(const FieldInfo& field, bool may_override) {
  switch (field.form) {
    case Form::kRawObject:
      return {Kind::kOpaque, nullptr, nullptr, true};
    case Form::kAnyJson:
      if (may_override && field.list_type == ListType::kAtomic) {
        return {Kind::kOpaque, nullptr, nullptr, true};
      }
      return deduced();
    case Form::kObject:
      break;
    default:
      return {Kind::kScalar, &field, nullptr, true};
  }
  switch (field.type->form) {
    case TypeForm::kWrapperList:
      return of_field(field.type->fields[0]);
    case TypeForm::kOneOf:
      return deduced();
    case TypeForm::kStruct:
      break;
  }
  // A field can make a struct granular that is atomic elsewhere.
  const bool is_granular = may_override && field.list_type == ListType::kMap;
  return {Kind::kStruct, nullptr, field.type, field.type->atomic && !is_granular};
}

Shape::Layout Shape::layout_of(const Value* value) const {
  switch (kind_) {
    case Kind::kNone:
    case Kind::kScalar:
      return Layout::kScalar;
    case Kind::kList:
      return Layout::kList;
    case Kind::kMap:
    case Kind::kStruct:
      return Layout::kMap;
    case Kind::kDeduced:
    case Kind::kOpaque:
      break;
  }
  if (value == nullptr || value->is_null() || value->is_object()) return Layout::kMap;
  return value->is_array() ? Layout::kList : Layout::kScalar;
}

bool Shape::is_atomic(Layout layout) const {
  if (layout == Layout::kScalar) return true;
  return kind_ == Kind::kDeduced ? layout == Layout::kList : is_atomic_;
}

Shape::Scalar Shape::scalar() const {
  if (kind_ != Kind::kScalar) return Scalar::kAny;
  switch (field_->form) {
    case Form::kString:
    case Form::kBytes:
    case Form::kDuration:
      return Scalar::kString;
    case Form::kBool:
      return Scalar::kBool;
    case Form::kInt32:
    case Form::kInt64:
    case Form::kUint32:
    case Form::kUint64:
    case Form::kDouble:
      return Scalar::kNumber;
    default:
      return Scalar::kAny;
  }
}

bool Shape::has_field(std::string_view name) const {
  if (kind_ != Kind::kStruct) return false;
  if (type_->is_kind && (name == "kind" || name == "apiVersion")) return true;
  return type_->field(name) != nullptr;
}

Shape Shape::member(std::string_view name) const {
  switch (kind_) {
    case Kind::kDeduced:
    case Kind::kOpaque:
      return *this;
    case Kind::kMap:
      return of_element(*field_, false);
    case Kind::kStruct:
      break;
    default:
      return {};
  }
  if (const FieldInfo* field = type_->field(name)) return of_field(*field);
  if (type_->is_kind && (name == "kind" || name == "apiVersion")) {
    static constexpr FieldInfo kText = [] {
      FieldInfo text{};
      text.form = Form::kString;
      return text;
    }();
    return {Kind::kScalar, &kText, nullptr, true};
  }
  // A type without fields is one that nobody described.
  if (type_->fields.empty()) return deduced();
  // The type of a custom kind can have a field for all members without one of their own.
  const FieldInfo* others = type_->field("");
  return others == nullptr ? Shape() : of_element(*others, false);
}

Shape Shape::item() const {
  if (kind_ == Kind::kList) return of_element(*field_, false);
  return {Kind::kOpaque, nullptr, nullptr, true};
}

Result<PathElement> Shape::element_of(Arena& arena, const Value& item) const {
  if (kind_ != Kind::kList || is_atomic_) {
    return errors::internal("invalid indexing of non-associative list");
  }
  if (field_->list_map_keys.empty()) return in_set(arena, item);
  return keyed(arena, *field_, item);
}

}  // namespace pinnace::api::apply
