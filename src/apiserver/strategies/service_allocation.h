// Cluster IPs and node ports of Services: claimed when a write is otherwise right, given back when
// it does not take place, when the Service changes, and when it is gone.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// Adds to `change.causes` what cannot be had. `old` is null at creation.
void claim_service(Change& change, api::Value& object, const api::Value* old);
void release_service(Backend& backend, const api::Value& object);
// Gives ports without a node port those that they had before, and takes them from those whose type
// has none.
void keep_node_ports(Change& change, api::Value& spec, const api::Value& before);

}  // namespace pinnace::apiserver
