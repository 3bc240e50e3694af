// What differs between two states of an object, and which fields an object has, as field sets.
//
// Shape: a field that is new or gone is named together with all that is below it; what is owned as
//   a whole is named as a whole. Both states are in the same version.
// Cost: what is the same is compared and not walked; nothing is made but for differences.
// Bounds: as deep as the values, which the parser bounds.
// Source: sigs.k8s.io/structured-merge-diff, package typed.
#pragma once

#include "api/apply/field_set.h"
#include "api/apply/shape.h"

namespace pinnace::api::apply {

struct Comparison {
  FieldSet added, modified, removed;
};

Comparison compare(Arena& arena, const Shape& shape, const Value& before, const Value& after);

// The fields that somebody who applies `value` manages.
FieldSet fields_of(Arena& arena, const Shape& shape, const Value& value);

}  // namespace pinnace::api::apply
