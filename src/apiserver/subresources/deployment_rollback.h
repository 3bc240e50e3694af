// deployments/rollback of the beta versions: how older clients undo a rollout. It only says what is
// wanted, in the annotation that `spec.rollbackTo` became; the deployment controller does the rest.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void roll_back_deployment(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
