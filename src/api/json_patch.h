// JSON Patch: a list of operations on a document.
//
// Why not to the letter of the RFC: clients rely on what Kubernetes takes. Negative places count
//   from the end of a list, `replace` sets a member that was not there, a value that is not said or
//   not there is null, and a patch that is null does nothing.
// Errors: 400 for a patch of the wrong shape; 422 Invalid for an operation that does not apply, the
//   cause in `causes`; 413 for too many. The document may then be partly patched: drop it.
// Bounds: 10,000 operations; the result is at most 512 deep; copies and moves touch at most
//   kMaxCopiedBytes in all, so that doubling copies cannot fill the memory.
// Source: RFC 6902 and RFC 6901; gopkg.in/evanphx/json-patch.v4.
#pragma once

#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

inline constexpr std::size_t kMaxJsonPatchOperations = 10'000;
inline constexpr std::size_t kMaxCopiedBytes = 3 * 1024 * 1024;

// Patches in place. The patch is not changed and may be applied again; the document shares texts
// with it.
Result<void> apply_json_patch(Arena& arena, Value& document, const Value& patch);

// What a patch that does not apply gives: 422 with the reason in the causes.
Unexpected patch_does_not_apply(std::string why);
// Whether a patch did not apply because something is not as its `test` says.
bool is_failed_test(const Error& error);

}  // namespace pinnace::api
