// Brings an object into the shape that its schema describes: prunes what is not in it and fills in
// defaults.
//
// Shape: apiVersion, kind and metadata of the object itself and of embedded resources are left as
//   they are; coerce_metadata.h looks after them.
// Bounds: recursion is bounded by the depth of the value, which its parser bounds; at most 100
//   unknown fields are reported.
// Threads: any.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Field pruning" and
//   "Defaulting".
#pragma once

#include <string>
#include <vector>

#include "api/structural/schema.h"
#include "api/value.h"

namespace pinnace::api::structural {

// Drops what the schema does not know; the paths of that ("spec.foo") go to `unknown` in their
// order when it is given.
void prune(Value& object, const Node& schema, std::vector<std::string>* unknown = nullptr);
// As `prune`, for a value that is no resource by itself: a default, an item.
void prune_value(Value& value, const Node& schema, std::vector<std::string>* unknown = nullptr);
// Nulls where null is not allowed and no default stands by go.
void drop_refused_nulls(Value& object, const Node& schema);
// Fills in defaults, also where there is a null that is not allowed.
void fill_defaults(Arena& arena, Value& object, const Node& schema);
// Both.
void apply_defaults(Arena& arena, Value& object, const Node& schema);

}  // namespace pinnace::api::structural
