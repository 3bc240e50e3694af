// pods/eviction: deletes a pod on behalf of its node's drain.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void evict_pod(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
