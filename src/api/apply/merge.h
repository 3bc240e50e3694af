// Puts an applied configuration into a live object, and takes fields out of one.
//
// Lifetime: results share nodes with what they were made of; `deep_copy` before changing them.
// Source: sigs.k8s.io/structured-merge-diff, package typed.
#pragma once

#include "api/apply/field_set.h"
#include "api/apply/shape.h"

namespace pinnace::api::apply {

// What `config` says, and of `live` what it does not speak of. Keyed lists and sets keep the live
// order but for the items of `config`, which keep theirs.
// Errors: 500 for a list of `config` whose items cannot be told apart; `find_fault` finds it first.
Result<Value> merge(Arena& arena, const Shape& shape, const Value& live, const Value& config);

// `value` without the members of `fields`.
Value remove_fields(Arena& arena, const Shape& shape, const Value& value, const FieldSet& fields);

// The set with every declared field above a member as a member, too: what makes an object go when
// all that was in it goes.
FieldSet with_parents(Arena& arena, const Shape& shape, const FieldSet& set);

// A set that was written when `shape` was another: what is owned as a whole now has no parts.
FieldSet reconciled(Arena& arena, const Shape& shape, const FieldSet& set);

}  // namespace pinnace::api::apply
