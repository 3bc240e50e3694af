#include "controllers/deployment/status.h"

#include <algorithm>
#include <limits>

#include "controllers/support/patches.h"
#include "controllers/support/times.h"

namespace pinnace::controllers::deployment {
namespace {

constexpr std::string_view kComplete = "NewReplicaSetAvailable";
constexpr std::string_view kTimedOut = "ProgressDeadlineExceeded";
constexpr std::string_view kPaused = "DeploymentPaused";

bool has_progressed(const Status& before, const Status& after) {
  return after.updated_replicas > before.updated_replicas ||
         after.replicas - after.updated_replicas < before.replicas - before.updated_replicas ||
         after.ready_replicas > before.ready_replicas ||
         after.available_replicas > before.available_replicas;
}

bool has_timed_out(const Deployment& deployment, const Status& status, WallTime now) {
  const auto* progressing = find_condition(status, "Progressing");
  if (progressing == nullptr || progressing->reason == kComplete) return false;
  if (progressing->reason == kTimedOut) return true;
  return progressing->last_update_time.value + seconds(*deployment.spec.progress_deadline_seconds) <
         now;
}

std::string subject(const Deployment& deployment, const Sets& sets) {
  return sets.current ? "ReplicaSet " + quoted(sets.current->metadata.name)
                      : "Deployment " + quoted(deployment.metadata.name);
}

void add_progress(const Deployment& deployment, const Sets& sets, Status& status, WallTime now) {
  const auto* current = find_condition(status, "Progressing");
  if (status.replicas == status.updated_replicas && current != nullptr &&
      current->reason == kComplete) {
    return;
  }
  if (is_complete(deployment, status)) {
    set_condition(status, "Progressing", "True", std::string(kComplete),
                  subject(deployment, sets) + " has successfully progressed.", now);
  } else if (has_progressed(deployment.status, status)) {
    // Set anew even if it says the same: its lastUpdateTime is what the deadline counts from.
    api::Time since = to_time(now);
    if (current != nullptr && current->status == "True") since = current->last_transition_time;
    remove_condition(status, "Progressing");
    set_condition(status, "Progressing", "True", "ReplicaSetUpdated",
                  subject(deployment, sets) + " is progressing.", now);
    status.conditions.back().last_transition_time = since;
  } else if (has_timed_out(deployment, status, now)) {
    set_condition(status, "Progressing", "False", std::string(kTimedOut),
                  subject(deployment, sets) + " has timed out progressing.", now);
  }
}

void add_failure(const Sets& sets, Status& status, WallTime now) {
  std::vector<SetRef> all = sets.old;
  if (sets.current) all.insert(all.begin(), sets.current);
  for (const auto& set : all) {
    for (const auto& condition : set->status.conditions) {
      if (condition.type != "ReplicaFailure") continue;
      set_condition(status, condition.type, condition.status, condition.reason, condition.message,
                    now);
      return;
    }
  }
  remove_condition(status, "ReplicaFailure");
}

}  // namespace

const apps_v1::DeploymentCondition* find_condition(const Status& status, std::string_view type) {
  for (const auto& condition : status.conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

void remove_condition(Status& status, std::string_view type) {
  std::erase_if(status.conditions, [&](const auto& condition) { return condition.type == type; });
}

void set_condition(Status& status, std::string type, std::string value, std::string reason,
                   std::string message, WallTime now) {
  apps_v1::DeploymentCondition condition;
  condition.last_update_time = condition.last_transition_time = to_time(now);
  if (const auto* before = find_condition(status, type)) {
    if (before->status == value && before->reason == reason) return;
    if (before->status == value) condition.last_transition_time = before->last_transition_time;
  }
  remove_condition(status, type);
  condition.type = std::move(type);
  condition.status = std::move(value);
  condition.reason = std::move(reason);
  condition.message = std::move(message);
  status.conditions.push_back(std::move(condition));
}

bool has_progress_deadline(const Deployment& deployment) {
  const auto deadline = deployment.spec.progress_deadline_seconds;
  return deadline && *deadline != std::numeric_limits<std::int32_t>::max();
}

bool is_complete(const Deployment& deployment, const Status& status) {
  const std::int32_t wanted = deployment.spec.replicas.value_or(1);
  return status.updated_replicas == wanted && status.replicas == wanted &&
         status.available_replicas == wanted &&
         status.observed_generation >= deployment.metadata.generation;
}

Status count_status(const Deployment& deployment, const Sets& sets) {
  Status status;
  status.observed_generation = deployment.metadata.generation;
  status.collision_count = deployment.status.collision_count;
  status.conditions = deployment.status.conditions;
  std::int32_t wanted_total = 0;
  std::vector<SetRef> all = sets.old;
  if (sets.current) all.push_back(sets.current);
  for (const auto& set : all) {
    wanted_total += set->spec.replicas.value_or(1);
    status.replicas += set->status.replicas;
    status.ready_replicas += set->status.ready_replicas;
    status.available_replicas += set->status.available_replicas;
  }
  if (sets.current) status.updated_replicas = sets.current->status.replicas;
  status.unavailable_replicas = std::max(wanted_total - status.available_replicas, 0);
  return status;
}

Status plan_scaled_status(const Deployment& deployment, const Sets& sets, WallTime now) {
  Status status = count_status(deployment, sets);
  const std::int32_t wanted = deployment.spec.replicas.value_or(1);
  const std::int32_t needed = wanted - std::min(resolve_limits(deployment).max_unavailable, wanted);
  if (status.available_replicas >= needed) {
    set_condition(status, "Available", "True", "MinimumReplicasAvailable",
                  "Deployment has minimum availability.", now);
  } else {
    set_condition(status, "Available", "False", "MinimumReplicasUnavailable",
                  "Deployment does not have minimum availability.", now);
  }
  return status;
}

Status plan_rollout_status(const Deployment& deployment, const Sets& sets, WallTime now) {
  Status status = plan_scaled_status(deployment, sets, now);
  if (has_progress_deadline(deployment))
    add_progress(deployment, sets, status, now);
  else
    remove_condition(status, "Progressing");
  add_failure(sets, status, now);
  return status;
}

std::optional<Status> plan_paused_status(const Deployment& deployment, WallTime now) {
  if (!has_progress_deadline(deployment)) return std::nullopt;
  const auto* progressing = find_condition(deployment.status, "Progressing");
  if (progressing != nullptr && progressing->reason == kTimedOut) return std::nullopt;
  const bool shown = progressing != nullptr && progressing->reason == kPaused;
  if (deployment.spec.paused == shown) return std::nullopt;
  Status status = deployment.status;
  set_condition(status, "Progressing", "Unknown",
                deployment.spec.paused ? std::string(kPaused) : "DeploymentResumed",
                deployment.spec.paused ? "Deployment is paused" : "Deployment is resumed", now);
  return status;
}

std::optional<Duration> next_deadline(const Deployment& deployment, const Status& status,
                                      WallTime now) {
  const auto* progressing = find_condition(status, "Progressing");
  if (!has_progress_deadline(deployment) || progressing == nullptr ||
      progressing->reason == kTimedOut || is_complete(deployment, status)) {
    return std::nullopt;
  }
  // A second more than the deadline: timestamps are whole seconds.
  const Duration left = progressing->last_update_time.value +
                        seconds(*deployment.spec.progress_deadline_seconds + 1) - now;
  return std::max<Duration>(left, seconds(1));
}

}  // namespace pinnace::controllers::deployment
