// Whether this server lives, is ready and is well: /livez, /readyz and /healthz with all that is
// below them.
//
// Checks have Kubernetes' names where they say the same thing. What one of its hooks does after the
//   start is done here before anything is served, so that those checks pass together.
// Source: kubernetes.io/docs/reference/using-api/health-checks.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void answer_health(Backend& backend, const CallRef& call);

}  // namespace pinnace::apiserver
