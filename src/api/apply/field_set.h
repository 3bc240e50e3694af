// FieldSet is a set of fields of an object: what somebody manages, or what changed.
//
// Shape: a tree of path elements. A field that is in the set is a member; a field below which
//   others are in the set need not be one itself.
// Lifetime: an immutable value whose parts lie in an arena; operations share what stays the same.
// Bounds: as deep as the JSON or the object that it came from; the parser bounds both.
// Source: FieldsV1 of meta.k8s.io/v1; sigs.k8s.io/structured-merge-diff, package fieldpath.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "api/apply/path_element.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api::apply {

struct FieldEntry;

struct FieldSet {
  std::span<const FieldEntry> entries;  // Sorted, each once.

  bool empty() const { return entries.empty(); }
  const FieldEntry* find(const PathElement& element) const;
};

struct FieldEntry {
  PathElement element;
  bool is_member = false;
  FieldSet children;

  bool empty() const { return !is_member && children.empty(); }
};

// A copy of entries that are sorted, each once.
FieldSet set_of(Arena& arena, std::span<const FieldEntry> entries);

using Path = std::span<const PathElement>;

FieldSet unite(Arena& arena, const FieldSet& a, const FieldSet& b);
FieldSet intersect(Arena& arena, const FieldSet& a, const FieldSet& b);
// Without the members of `b`; what is below them stays.
FieldSet subtract(Arena& arena, const FieldSet& a, const FieldSet& b);
// Without the members of `b` and all that is below them.
FieldSet subtract_below(Arena& arena, const FieldSet& a, const FieldSet& b);
bool contains(const FieldSet& set, Path path);

// Every member: those of a level before those below it.
void for_each_field(const FieldSet& set, const std::function<void(Path)>& visit);

// FieldsV1 as JSON. Elements of kinds that are not known are dropped; 400 for what is no FieldsV1.
Result<FieldSet> decode_fields(Arena& arena, const Value& fields_v1);
Value encode_fields(Arena& arena, const FieldSet& set);

// Asked of FieldsV1 as it is stored, without decoding it: whether any, or every, member of `set` is
// in it.
bool shares_a_field(const Value& fields_v1, const FieldSet& set);
bool has_every_field(const Value& fields_v1, const FieldSet& set);

// A set in the making. Paths come depth first: those with a common beginning follow each other.
class FieldSetBuilder {
 public:
  explicit FieldSetBuilder(Arena& arena) : arena_(arena) {}

  // `serials` names each step of the path: equal numbers mean the very same step.
  struct Step {
    PathElement element;
    std::uint64_t serial;
  };
  void insert(std::span<const Step> path);
  FieldSet finish();

 private:
  struct Open {
    std::uint64_t serial;
    PathElement element;
    bool is_member;
    std::size_t first;  // Of its children in `entries_`.
  };
  void close_to(std::size_t depth);

  Arena& arena_;
  std::vector<Open> open_;
  std::vector<FieldEntry> entries_;
};

}  // namespace pinnace::api::apply
