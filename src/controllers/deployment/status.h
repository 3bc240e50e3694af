// A Deployment's status: the counts of its ReplicaSets and the conditions Available, Progressing
// and ReplicaFailure.
//
// Source: Kubernetes Deployment documentation, "Deployment status".
#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "controllers/deployment/plan.h"

namespace pinnace::controllers::deployment {

using Status = apps_v1::DeploymentStatus;

const apps_v1::DeploymentCondition* find_condition(const Status& status, std::string_view type);
// Keeps what is there if status and reason are the same; keeps lastTransitionTime if the status is.
void set_condition(Status& status, std::string type, std::string value, std::string reason,
                   std::string message, WallTime now);
void remove_condition(Status& status, std::string_view type);

bool has_progress_deadline(const Deployment& deployment);
// Every replica is of the new template and available, and nothing else is left.
bool is_complete(const Deployment& deployment, const Status& status);

// Counts and Available.
Status count_status(const Deployment& deployment, const Sets& sets);
Status plan_scaled_status(const Deployment& deployment, const Sets& sets, WallTime now);
// Also Progressing and ReplicaFailure: while rolling out.
Status plan_rollout_status(const Deployment& deployment, const Sets& sets, WallTime now);
// Progressing for a Deployment that was paused or resumed; nothing if it stands as it should.
std::optional<Status> plan_paused_status(const Deployment& deployment, WallTime now);

// When the progress deadline must be looked at again; nothing: never.
std::optional<Duration> next_deadline(const Deployment& deployment, const Status& status,
                                      WallTime now);

}  // namespace pinnace::controllers::deployment
