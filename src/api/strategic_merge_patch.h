// Strategic merge patch: a merge patch that merges lists element by element where the schema says
// by which key.
//
// Directives: `$patch: replace|delete` in a map or a list's element, `$retainKeys`,
//   `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`. As in Kubernetes they are looked at
//   only where the document has something to merge with; elsewhere what has a `$patch` is left out,
//   and the others go into the document, where they are fields that nobody knows.
// Order: lists with `$setElementOrder`, the other members, `$deleteFromPrimitiveList`.
// Errors: 400 for a patch of the wrong form, 422 for lists of lists, 500 for the rest of what does
//   not apply, in Kubernetes' words. The document may then be partly patched: drop it.
// Source: Kubernetes' API conventions and the behaviour of apimachinery's strategicpatch.
#pragma once

#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

// Patches in place; `type` is the document's type. The patch is not changed and may be applied
// again; the document refers to its strings: keep them as long.
Result<void> apply_strategic_merge_patch(Arena& arena, Value& document, const Value& patch,
                                         const TypeInfo& type);

}  // namespace pinnace::api
