// Shape is what the schema says of one value for the purpose of managing its fields: whether it is
// owned as a whole or in parts, and what its parts are.
//
// Why beside FieldInfo: a field of a list says two things, of the list and of its items; and where
//   the schema ends (any JSON, fields that are kept though nobody declared them), the value itself
//   decides.
// Lifetime: refers to the schema's tables.
// Source: the schema that Kubernetes derives from its OpenAPI for structured-merge-diff.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "api/apply/path_element.h"
#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api::apply {

class Shape {
 public:
  // How a value is walked.
  enum class Layout : std::uint8_t { kScalar, kList, kMap };
  enum class Scalar : std::uint8_t { kString, kNumber, kBool, kAny };

  Shape() = default;
  static Shape of(const TypeInfo& type) {
    return Shape(Kind::kStruct, nullptr, &type, type.atomic);
  }
  // Objects in parts, lists as a whole.
  static Shape deduced() { return Shape(Kind::kDeduced, nullptr, nullptr, false); }

  // Whether there is a schema for it at all.
  bool is_declared() const { return kind_ != Kind::kNone; }
  bool is_deduced() const { return kind_ == Kind::kDeduced; }
  // How `value` is walked; where the schema leaves it open, the value decides.
  Layout layout_of(const Value* value) const;
  // Whether a value of that layout is owned as a whole. Scalars are.
  bool is_atomic(Layout layout) const;
  Scalar scalar() const;

  // Of a map or struct: whether a member of that name is declared on its own.
  bool has_field(std::string_view name) const;
  // The shape of a member; not declared when there can be none.
  Shape member(std::string_view name) const;
  Shape item() const;
  // How an item of a set or keyed list is told from the others.
  Result<PathElement> element_of(Arena& arena, const Value& item) const;

 private:
  enum class Kind : std::uint8_t {
    kNone,
    kScalar,
    kList,
    kMap,
    kStruct,
    kDeduced,  // Any JSON.
    kOpaque,   // Any JSON, as a whole.
  };
  Shape(Kind kind, const FieldInfo* field, const TypeInfo* type, bool atomic)
      : kind_(kind), is_atomic_(atomic), field_(field), type_(type) {}
  static Shape of_field(const FieldInfo& field);
  // What the field's lists and maps hold.
  static Shape of_element(const FieldInfo& field, bool may_override);

  Kind kind_ = Kind::kNone;
  bool is_atomic_ = false;
  const FieldInfo* field_ = nullptr;  // Of scalars, lists and maps.
  const TypeInfo* type_ = nullptr;    // Of structs.
};

// Whether there is nothing to walk in a value, null for none, that is walked that way.
inline bool is_blank(const Value* value, Shape::Layout layout) {
  if (value == nullptr) return true;
  const bool is_walked = layout == Shape::Layout::kMap ? value->is_object() : value->is_array();
  return !is_walked || value->empty();
}

}  // namespace pinnace::api::apply
