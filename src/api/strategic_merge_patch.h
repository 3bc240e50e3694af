// Strategic merge patch: a merge patch that merges lists element by element where the schema says
// by which key.
//
// Directives: `$patch: replace|delete|merge` in a map or a list's element, `$retainKeys`,
//   `$deleteFromPrimitiveList/FIELD`, `$setElementOrder/FIELD`. They never reach the document.
// Errors: 400 for a patch of the wrong form, 422 for one that does not apply. The document may then
//   be partly patched: drop it.
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
