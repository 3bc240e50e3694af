// log, exec, attach and port-forward: handed on to the kubelet of the pod's node.
//
// Why bytes: what flows after an upgrade is between kubectl and the kubelet; nothing here reads it.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void proxy_to_kubelet(const BackendRef& backend, const CallRef& call);
void proxy_to_node(const BackendRef& backend, const CallRef& call);

}  // namespace pinnace::apiserver
