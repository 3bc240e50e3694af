// The scale subresource: autoscaling/v1 Scale as a view of whatever has replicas.
#pragma once

#include "apiserver/registry/registry.h"

namespace pinnace::apiserver {

void update_scale(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
