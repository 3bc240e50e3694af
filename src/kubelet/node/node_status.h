// make_node says what the API is to know of this node.
//
// Why pure: conditions, their reasons and their times are tested without a machine.
// Source: Kubernetes documentation, "Node Status", "Node-pressure Eviction".
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/types/core_v1.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/node/machine.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

inline constexpr std::int64_t kMaxPods = 110;

// What does not change while the agent runs.
struct NodeIdentity {
  std::string name, ip;
  std::string pod_cidr;
  int port = 0;
  std::string version;
  Machine machine;
};

struct NodeFacts {
  // Of the runtime; an error when it does not answer.
  Result<std::vector<cri::Condition>> runtime_conditions;
  cri::Version runtime_version;
  std::vector<cri::Image> images;
  std::int64_t available_memory_bytes = 0;
  Filesystem node_filesystem, image_filesystem;
};

// The node as it is registered, without a status.
core::Node make_node(const NodeIdentity& identity);
// `before` is the status that the API has: conditions of others are kept, and the transition times
// of ours that did not change.
core::NodeStatus make_node_status(const NodeIdentity& identity, const NodeFacts& facts,
                                  const core::NodeStatus& before, WallTime now);
// Whether they say the same but for the times of the last heartbeat.
bool same_but_for_heartbeat(core::NodeStatus a, const core::NodeStatus& b);
bool is_ready(const core::NodeStatus& status);

}  // namespace pinnace::kubelet
