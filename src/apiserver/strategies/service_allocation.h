// Cluster IPs and node ports of Services: claimed when their addresses make sense, and free again
// when no Service has them.
//
// Why not only when all is right: Kubernetes tells of what cannot be had before it looks at the
//   rest, and alone.
#pragma once

#include "apiserver/backend.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// See Strategy::claim and Strategy::companions.
Result<void> claim_service(Change& change, api::Value& object, const api::Value* old);
std::vector<store::Key> addresses_of_service(const api::Value& service);
// Gives ports without a node port those that they had before, and takes them from those whose type
// has none.
void keep_node_ports(Change& change, api::Value& spec, const api::Value& before);

}  // namespace pinnace::apiserver
