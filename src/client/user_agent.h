// The name by which a component of the cluster is known to the API server: what stands in its
// User-Agent, and so in metadata.managedFields.
#pragma once

#include <string>
#include <string_view>

namespace pinnace::client {

// Of a user of the API: "system:kube-scheduler" is "kube-scheduler/pinnace", a node's user
// "kubelet/pinnace", anybody else "pinnace".
std::string user_agent_of(std::string_view user);

}  // namespace pinnace::client
