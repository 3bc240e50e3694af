// JSON merge patch: members of the patch replace those of the document, null removes them.
//
// Source: RFC 7386.
#pragma once

#include "api/value.h"

namespace pinnace::api {

// Patches in place. The patch is not changed and may be applied again; the document shares texts
// with it.
void apply_merge_patch(Arena& arena, Value& document, const Value& patch);

// The smallest merge patch that makes `modified` of `original`. It shares values with `modified`.
Value make_merge_patch(Arena& arena, const Value& original, const Value& modified);

}  // namespace pinnace::api
