// PathElement is one step of the way to a field: a member's name, the keys of a list's item, an
// item of a set, or a place in a list.
//
// Lifetime: refers to its texts, which live in an arena, in a schema or in the object walked.
// Order: Kubernetes' own: names, keys, values, places; numbers before texts before truths.
// Source: sigs.k8s.io/structured-merge-diff, package fieldpath.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "api/value.h"

namespace pinnace::api::apply {

class PathElement {
 public:
  enum class Kind : std::uint8_t { kField, kKey, kValue, kIndex };

  PathElement() = default;
  static PathElement field(std::string_view name) { return {Kind::kField, name, {}}; }
  // `keys` is an object of the key members; they are brought into their order.
  static PathElement key(Arena& arena, Value keys);
  static PathElement value(Arena& arena, const Value& item);
  static PathElement index(Arena& arena, std::size_t place);

  enum class Parse { kDone, kUnknownKind, kBroken };
  // From a member's name in FieldsV1: `f:spec`, `k:{"name":"x"}`, `v:"x"`, `i:0`.
  static Parse parse(Arena& arena, std::string_view encoded, PathElement& out);

  Kind kind() const { return kind_; }
  // What follows the colon in FieldsV1, in its one form: equal elements have equal texts.
  std::string_view text() const { return text_; }
  // As a member's name in FieldsV1; replaces what is in `out`.
  void encode(std::string& out) const;
  // As messages show it: `.spec`, `[name="x"]`, `[="x"]`, `[0]`.
  std::string display() const;

  friend bool operator==(const PathElement& a, const PathElement& b) {
    return a.kind_ == b.kind_ && a.text_ == b.text_;
  }
  friend std::strong_ordering operator<=>(const PathElement& a, const PathElement& b);

 private:
  PathElement(Kind kind, std::string_view text, Value value)
      : kind_(kind), text_(text), value_(value) {}

  Kind kind_ = Kind::kField;
  std::string_view text_;
  Value value_;  // Of keys and values; the number of a place.
};

std::string display(std::span<const PathElement> path);

}  // namespace pinnace::api::apply
