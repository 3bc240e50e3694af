// dial_runtime connects to a URL of the runtime's streaming server and joins the call with it.
//
// Why the runtime first: a client that is not upgraded yet can still be told what went wrong.
// Lifetime: the attempt keeps itself alive, until it is joined, answered, or the client goes away.
// Threads: the exchange's loop.
// Bounds: 30 seconds for the runtime's answer, then 504; of a refusal 16 KiB are passed on.
#pragma once

#include <string>

#include "kubelet/cri/runtime.h"
#include "kubelet/server/node_call.h"

namespace pinnace::kubelet {

// `streams`: those of an exec or attach; all false for a port-forward.
void dial_runtime(const NodeCallRef& call, const std::string& url, cri::StreamOptions streams);

}  // namespace pinnace::kubelet
