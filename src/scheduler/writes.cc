#include "scheduler/writes.h"

#include "api/json.h"
#include "base/log.h"

namespace pinnace::scheduler {
namespace {

using api::core_v1::Binding;
using api::core_v1::Pod;
using api::core_v1::PodCondition;

std::string quoted(std::string_view text) {
  std::string out;
  api::write_json_string(out, text);
  return out;
}

std::string path_of(const PodInfo& pod, std::string_view subresource = "") {
  return client::Client::path(Pod::kResource, pod.ns(), pod.pod->metadata.name, subresource);
}

// A pod that is gone needs nothing any more.
void log_failure(std::string_view what, const std::string& pod, const Error& error) {
  if (error.is("NotFound")) return;
  log::warning(what, {{"pod", pod}, {"error", error.message}});
}

// The time of a condition's transition stays while its status does.
PodCondition condition(const PodInfo& pod, std::string type, std::string status, std::string reason,
                       std::string message, WallTime now) {
  PodCondition made;
  made.last_transition_time = api::Time{std::chrono::floor<std::chrono::seconds>(now)};
  for (const auto& before : pod.pod->status.conditions) {
    if (before.type == type && before.status == status) {
      made.last_transition_time = before.last_transition_time;
    }
  }
  made.type = std::move(type);
  made.status = std::move(status);
  made.reason = std::move(reason);
  made.message = std::move(message);
  return made;
}

bool has(const PodInfo& pod, const PodCondition& wanted) {
  for (const auto& there : pod.pod->status.conditions) {
    if (there.type == wanted.type) {
      return there.status == wanted.status && there.reason == wanted.reason &&
             there.message == wanted.message;
    }
  }
  return false;
}

std::string conditions_member(const PodCondition& one) {
  return "\"conditions\":[" + api::to_json(one) + ']';
}

}  // namespace

Writes::Writes(const client::Client& api, Executor& executor, Rng& rng)
    : api_(api), executor_(executor), events_(api, executor, rng, "default-scheduler") {}

void Writes::bind(const PodInfoRef& pod, const std::string& node,
                  std::function<void(Result<void>)> done) {
  Binding binding;
  binding.metadata.name = pod->pod->metadata.name;
  binding.metadata.namespace_ = pod->ns();
  binding.metadata.uid = pod->uid();
  binding.target.kind = "Node";
  binding.target.name = node;
  api_.send(executor_, "POST", path_of(*pod, "binding"), api::to_json(binding), std::nullopt,
            [done = std::move(done)](auto answer) {
              if (answer)
                done({});
              else
                done(std::unexpected(std::move(answer.error())));
            });
}

void Writes::report_bound(const PodInfo& pod, const std::string& node) {
  events_.record(client::make_reference(*pod.pod), "Normal", "Scheduled",
                 "Successfully assigned " + pod.key() + " to " + node);
}

void Writes::report_refused(const PodInfo& pod, const std::string& message) {
  events_.record(client::make_reference(*pod.pod), "Warning", "FailedScheduling",
                 "binding rejected: " + message);
}

void Writes::report_waiting(const PodInfo& pod, const std::string& message,
                            const std::string& nominated) {
  events_.record(client::make_reference(*pod.pod), "Warning", "FailedScheduling", message);
  const PodCondition unschedulable =
      condition(pod, "PodScheduled", "False", "Unschedulable", message, executor_.clock().wall());
  const bool nominates = !nominated.empty() && nominated != pod.pod->status.nominated_node_name;
  if (!nominates && has(pod, unschedulable)) return;
  std::string status = conditions_member(unschedulable);
  if (nominates) status += ",\"nominatedNodeName\":" + quoted(nominated);
  patch_status(pod, std::move(status));
}

void Writes::clear_nomination(const PodInfo& pod) {
  patch_status(pod, "\"nominatedNodeName\":null");
}

void Writes::preempt(const PodInfo& pod, const std::string& node,
                     const std::vector<PodInfoRef>& victims) {
  for (const auto& victim : victims) {
    if (!victim->pod->metadata.deletion_timestamp.is_zero()) continue;  // It leaves already.
    patch_status(*victim, conditions_member(condition(
                              *victim, "DisruptionTarget", "True", "PreemptionByScheduler",
                              "default-scheduler: preempting to accommodate a higher priority pod",
                              executor_.clock().wall())));
    events_.record(client::make_reference(*victim->pod), "Normal", "Preempted",
                   "Preempted by pod " + pod.uid() + " on node " + node);
    api_.send_remove(executor_, path_of(*victim), {.uid = victim->uid()},
                     [key = victim->key()](const auto& answer) {
                       if (!answer) log_failure("cannot preempt a pod", key, answer.error());
                     });
  }
}

void Writes::patch_status(const PodInfo& pod, std::string status) {
  std::string body =
      "{\"metadata\":{\"uid\":" + quoted(pod.uid()) + "},\"status\":{" + std::move(status) + "}}";
  api_.send(executor_, "PATCH", path_of(pod, "status"), std::move(body),
            client::PatchType::kStrategicMerge, [key = pod.key()](const auto& answer) {
              if (!answer) log_failure("cannot write a pod's status", key, answer.error());
            });
}

}  // namespace pinnace::scheduler
