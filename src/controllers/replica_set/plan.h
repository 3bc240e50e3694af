// What a ReplicaSet or ReplicationController needs: more pods, fewer pods, a new status.
//
// Source: Kubernetes ReplicaSet documentation; the status fields of apps/v1 and core/v1.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "controllers/support/pods.h"
#include "controllers/support/selectors.h"
#include "controllers/support/times.h"

namespace pinnace::controllers::replica_set {

// No more creations or deletions than this in one round.
inline constexpr std::size_t kBurst = 500;

struct Changes {
  std::size_t create = 0;
  std::vector<PodRef> remove;
};
// `active` are the owner's active pods, `related` those of all owners with the same parent.
Changes plan_replicas(std::int32_t wanted, const std::vector<PodRef>& active,
                      const std::vector<PodRef>& related, WallTime now);

struct Counts {
  std::int32_t replicas = 0, fully_labeled = 0, ready = 0, available = 0;
};
Counts count_pods(const std::vector<PodRef>& active, const Labels& template_labels,
                  Duration min_ready, WallTime now);

// The status that follows from the counts and from how the last round went. `Set` is ReplicaSet or
// ReplicationController: their status has the same members.
template <typename Set>
auto plan_status(const Set& set, const Counts& counts, const Changes& wanted,
                 const Result<void>& managed, WallTime now) {
  auto status = set.status;
  status.replicas = counts.replicas;
  status.fully_labeled_replicas = counts.fully_labeled;
  status.ready_replicas = counts.ready;
  status.available_replicas = counts.available;
  status.observed_generation = set.metadata.generation;

  auto& conditions = status.conditions;
  const auto is_failure = [](const auto& condition) { return condition.type == "ReplicaFailure"; };
  const bool known = std::any_of(conditions.begin(), conditions.end(), is_failure);
  if (!managed && !known) {
    auto& failure = conditions.emplace_back();
    failure.type = "ReplicaFailure";
    failure.status = "True";
    failure.last_transition_time = to_time(now);
    failure.reason = wanted.create > 0 ? "FailedCreate" : "FailedDelete";
    failure.message = managed.error().message;
  } else if (managed && known) {
    std::erase_if(conditions, is_failure);
  }
  return status;
}

}  // namespace pinnace::controllers::replica_set
