// forward sends a request on to another server, and that server's answer back as it comes.
//
// An upgrade is passed on too; after it bytes flow both ways unread.
// Threads: the exchange's loop. Lifetime: keeps itself alive until the answer is complete or the
//   client has gone.
// Bounds: 64 KiB of an answer wait for the client; then the other server is held back.
#pragma once

#include <string>

#include "apiserver/http/call.h"
#include "net/http_client.h"

namespace pinnace::apiserver {

// Who is on the other side, which is how a failure is told.
enum class Upstream {
  kKubelet,     // Its refusals go to the client as they are.
  kKubeletLog,  // Its refusals become a Status.
  kService,     // Not ours: unreachable is 503.
};

struct Forwarding {
  net::Endpoint endpoint;
  std::string target;  // Path and query.
  Upstream upstream = Upstream::kService;
  net::Headers headers;  // Besides those of the request.
};

void forward(const CallRef& call, Forwarding to);

// What a proxy hands on of a request's headers: not what is meant for the proxy itself, nor who the
// client is to us. The headers of an upgrade stay if `upgrades`.
net::Headers forwarded_headers(const net::Headers& from, bool upgrades);

}  // namespace pinnace::apiserver
