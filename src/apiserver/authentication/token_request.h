// serviceaccounts/token: a bound token for a service account.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void request_token(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
