// pods/binding: the scheduler's decision, and bindings: its older path.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void bind_pod(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
