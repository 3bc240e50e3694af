// How a request writes: the answer comes back to where the request is served.
//
// Why: the store's writer goes on with the next batch, and what a request allocated is freed where
//   that was, while the answers of one batch leave each connection together.
// Threads: from any; `done` runs as Exchange::resume says, and not at all when the server is gone.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

void commit_write(Backend& backend, const Call& call, store::Write write, store::Store::Done done);

}  // namespace pinnace::apiserver
