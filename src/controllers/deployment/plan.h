// How a Deployment moves its pods from one ReplicaSet to the next: the arithmetic of rollouts.
//
// Promise: as long as pods only become available, no step takes the sum of replicas above
//   replicas + maxSurge nor the available pods below replicas - maxUnavailable.
// Source: Kubernetes Deployment documentation, "Rolling Update", "Proportional scaling",
//   "Recreate".
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "controllers/deployment/revisions.h"
#include "controllers/support/pods.h"

namespace pinnace::controllers::deployment {

// maxSurge and maxUnavailable as counts. Both are 0 with Recreate; never both 0 with RollingUpdate.
struct Limits {
  std::int32_t max_surge = 0;
  std::int32_t max_unavailable = 0;
};
Limits resolve_limits(const Deployment& deployment);

struct Scale {
  SetRef set;
  std::int32_t replicas = 0;
  bool operator==(const Scale&) const = default;
};

// How many replicas the new set gets now, be it there already (`current`) or about to be made.
std::int32_t new_set_size(const Deployment& deployment, const Sets& sets);

// One step of a rolling update: first the new set, and only when that needs nothing the old ones.
// A set may stand twice: the later entry counts.
std::vector<Scale> plan_rolling_update(const Deployment& deployment, const Sets& sets);

// The old sets that Recreate must empty before anything else.
std::vector<Scale> plan_recreate(const Sets& sets);
// Pods of old sets that still run: Recreate waits for them.
bool old_pods_running(const Sets& sets, const std::vector<PodRef>& pods);

// `spec.replicas` was changed since the sets were last sized.
bool is_scaling(const Deployment& deployment, const Sets& sets);
// Sizes sets without rolling out: when paused, and when spec.replicas changed in a rollout.
std::vector<Scale> plan_scaling(const Deployment& deployment, const Sets& sets);

// Old, empty sets beyond revisionHistoryLimit, oldest first.
std::vector<SetRef> plan_cleanup(const Deployment& deployment, const Sets& sets);

}  // namespace pinnace::controllers::deployment
