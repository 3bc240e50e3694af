// Companions are objects that stand for what another one has, as an IPAddress does for an address
// of a Service: each is made before the object is stored and goes once the object has that no more.
//
// Why not in one transaction: two of one kind would have the same revision then, and a watch that
//   goes on from it would miss one of them. What is left by a server that fell in between is found
//   by a controller.
// Threads: as the writes of registry.h; the callbacks run where those end.
#pragma once

#include <functional>
#include <vector>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// Makes `change.companions`, one after the other. Conflict when somebody else was faster with
// one of them. The change outlives the callback.
void make_companions(Change& change, std::function<void(Result<void>)> made);
// The change was not kept: removes those that were made for it.
void unmake_companions(Change& change, std::function<void()> gone);

// Removes those that are there, as a client would: finalizers keep them. Nothing fails: what cannot
// be removed is left to the controller.
void remove_companions(const BackendRef& backend, const CallRef& call, std::vector<store::Key> keys,
                       std::function<void()> gone);

}  // namespace pinnace::apiserver
