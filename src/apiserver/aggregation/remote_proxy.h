// Requests for what another server serves: sent on to it in the caller's name.
#pragma once

#include "apiserver/aggregation/aggregator.h"
#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

// The server that answers this request instead of us; null for none.
RemoteApiRef remote_for(const Backend& backend, const RequestInfo& info);
// 503 when it cannot be reached.
void proxy_to_remote(const BackendRef& backend, const CallRef& call, const RemoteApi& remote);

// X-Remote-User and its like, which say who the caller is to a server that trusts us.
void add_caller(net::Headers& headers, const User& user);

}  // namespace pinnace::apiserver
