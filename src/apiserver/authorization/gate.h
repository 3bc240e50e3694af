// The gate: who sends a request, whether it is his turn, and whether he may. Between the parse of a
// request and its handler.
//
// Why it calls on instead of answering: whoever has to be asked outside answers later, and no
//   thread waits for that.
// Threads: begins on the request's I/O thread, where it also goes on.
// Errors: 401 without an identity, 429 where too many others ask, 403 without the right.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/http/call.h"

namespace pinnace::apiserver {

// What comes after the gate; an Error is answered.
using GoOn = Result<void> (*)(const BackendRef&, const CallRef&);

// Calls `go_on` when the request may pass, before it returns or later. `is_public`: who
// is nobody may ask too, if the authorizers let him.
Result<void> pass_gate(const BackendRef& backend, const CallRef& call, bool is_public, GoOn go_on);

}  // namespace pinnace::apiserver
