#include "controllers/support/pod_writes.h"

#include "controllers/support/errors.h"
#include "controllers/support/patches.h"
#include "controllers/support/times.h"

namespace pinnace::controllers {

Result<void> patch_condition(const client::Client& api, const core_v1::Pod& pod,
                             core_v1::PodCondition condition, WallTime now,
                             std::string_view phase) {
  condition.last_transition_time = to_time(now);
  std::string body = R"({"metadata":{"uid":)" + quoted(pod.metadata.uid) +
                     R"(},"status":{"conditions":[)" + api::to_json(condition) + ']';
  if (!phase.empty()) body += R"(,"phase":)" + quoted(phase);
  return unless_gone(api.patch<core_v1::Pod>(pod.metadata.namespace_, pod.metadata.name,
                                             client::PatchType::kStrategicMerge, body + "}}",
                                             "status"));
}

core_v1::PodCondition disruption(std::string reason, std::string message) {
  core_v1::PodCondition condition;
  condition.type = "DisruptionTarget";
  condition.status = "True";
  condition.reason = std::move(reason);
  condition.message = std::move(message);
  return condition;
}

}  // namespace pinnace::controllers
