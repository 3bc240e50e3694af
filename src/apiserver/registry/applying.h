// PATCH with application/apply-patch+yaml: server-side apply.
//
// Errors: those of api/apply; 400 for a body that is no object or is another than the URL says.
// Source: kubernetes.io/docs/reference/using-api/server-side-apply.
#pragma once

#include <string>
#include <vector>

#include "apiserver/registry/registry.h"

namespace pinnace::apiserver {

bool is_apply_patch(const Call& call);

// What somebody applies.
struct AppliedConfig {
  api::Value value;  // In the arena that `read_applied` was given.
  std::vector<std::string> duplicates;
};
// The body as `group_version` and `kind`. Options are checked, too.
Result<AppliedConfig> read_applied(const Call& call, api::Arena& arena,
                                   std::string_view group_version, std::string_view kind);

// The object that came of it must be the one that the URL names.
Result<void> check_place(const Call& call, const api::Value& object);

// The update that the request asks for; makes the object if there is none.
Result<Update> apply_update(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
