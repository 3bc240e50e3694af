// ComponentStatuses, which nobody keeps: what old clients ask for to see whether a cluster is well.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

// GET of one or of all.
void component_statuses(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
