// make_status says what a pod's status is, from its runtime state and its probes.
//
// Source: Kubernetes documentation, "Pod Lifecycle": phases, container states, conditions.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/types/core_v1.h"
#include "kubelet/pod/plan.h"
#include "kubelet/pod/pod_state.h"

namespace pinnace::kubelet {

// A pod that the agent ended or refused: it is Failed whatever its containers say.
struct Verdict {
  std::string reason, message;
};

struct StatusInput {
  const core::Pod& pod;  // Its status is the last one known.
  const PodState& state;
  const std::vector<Waiting>& waiting;  // Why containers wait, by name.
  std::function<bool(const std::string&container_id)> ready, started;
  std::string host_ip;
  std::optional<Verdict> verdict;
  bool terminal = false;  // Nothing of it will run again.
  WallTime now;
};

core::PodStatus make_status(const StatusInput& input);

// The JSON merge patch that turns `before` into `after`; empty when nothing changed.
std::string status_patch(const core::Pod& pod, const core::PodStatus& before,
                         const core::PodStatus& after);

// Whether the node agent writes conditions of this type.
bool is_own_condition(std::string_view type);
// The condition of this type; null when there is none.
const core::PodCondition* find_condition(const core::PodStatus& status, std::string_view type);

}  // namespace pinnace::kubelet
