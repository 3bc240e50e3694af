// Handlers of discovery and OpenAPI: they choose the form by Accept and hand out what is made once.
//
// Errors: 404 for a group or version that is not served, 406 for forms that there are not.
// Source: kubernetes.io/docs/concepts/overview/kubernetes-api.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void root_paths(Backend&, const CallRef&);
void discover_core(Backend&, const CallRef&);
void discover_groups(Backend&, const CallRef&);
// Everything below /api and /apis that is no resource.
void discover_version(Backend&, const CallRef&);
void openapi_v2(Backend&, const CallRef&);
void openapi_v3_index(Backend&, const CallRef&);
void openapi_v3_group(Backend&, const CallRef&);

}  // namespace pinnace::apiserver
