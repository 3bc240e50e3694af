// exec, attach and port-forward: a client's connection joined with the runtime's streaming server.
//
// What both sides speak (SPDY/3.1, older WebSocket protocols) goes through byte for byte. What
// newer clients speak and runtimes do not is translated here: exec and attach over the WebSocket
// protocols v4 and v5.channel.k8s.io, and SPDY in a WebSocket, SPDY/3.1+portforward.k8s.io.
// Errors: 404 when there is no such pod; 400 when no stream is asked for, or no upgrade; 500 with
//   the runtime's words when it refuses. All of them before the upgrade.
// Source: Kubernetes' remotecommand and port-forward protocols.
#pragma once

#include "kubelet/server/node_call.h"

namespace pinnace::kubelet {

void exec_in_container(ServerContext& context, const NodeCallRef& call);
void attach_to_container(ServerContext& context, const NodeCallRef& call);
void forward_ports(ServerContext& context, const NodeCallRef& call);

}  // namespace pinnace::kubelet
