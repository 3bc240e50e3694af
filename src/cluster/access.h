// How commands reach a cluster that runs: its administrator's credentials and its runtime.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "client/transport.h"
#include "cluster/kubeconfig.h"
#include "cluster/settings.h"

namespace pinnace::cluster {

// 400 with what to type if the process is not root.
Result<void> require_root(std::string_view command);

// The process that serves this cluster; 0 if none does.
int server_pid(const Settings& settings);

// With the kubeconfig that the server wrote. 503 if the cluster was never started.
Result<std::unique_ptr<client::Transport>> connect_as_admin(const Settings& settings);
// With any kubeconfig.
Result<std::unique_ptr<client::Transport>> connect_with(const KubeconfigEntry& entry,
                                                        std::string user_agent = "pinnace");

// What a person is told of the node: "Ready", "NotReady: REASON", or "" when there is none yet.
Result<std::string> node_condition(client::Transport& transport, const std::string& node_name);
// Whether the node's agent has renewed its Lease at that time or later: a node that is Ready may be
// so from before it went away.
bool has_heartbeat_since(client::Transport& transport, const std::string& node_name,
                         WallTime since);
// Whether /readyz answers 200.
bool is_api_ready(client::Transport& transport);

}  // namespace pinnace::cluster
