// Follows the CustomResourceDefinitions in the store: serves what they define, says in their status
// what became of them, and empties those that are being deleted.
//
// Why in the API server: kinds must be served by whoever has the definitions, with no component
//   besides; and a kind is in the catalog before its status says that it is.
// Lifetime: ends with the Backend.
// Threads: looks on the executor's thread; woken by the store from any.
// Bounds: kMaxCustomKinds are served, kDeletionsAtOnce objects deleted at the same time. A write
//   that fails is tried again after kRetry.
#pragma once

#include "apiserver/backend.h"

namespace pinnace::apiserver {

// Takes in what is stored already before it returns.
void follow_definitions(const BackendRef& backend);

}  // namespace pinnace::apiserver
