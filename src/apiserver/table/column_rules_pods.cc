// What `kubectl get pods` shows: how many containers are ready, what state they are in together.
#include <algorithm>
#include <optional>

#include "apiserver/registry/object_meta.h"
#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

struct PodSummary {
  std::string reason;
  std::int64_t ready = 0, total = 0, restarts = 0;
  std::string_view last_restart;  // The time of the last termination; "" for none.
};

// Restarts and the latest termination of some containers.
struct Restarts {
  std::int64_t count = 0;
  std::string_view last;
  void add(const Value& status) {
    count += status.int_at("restartCount");
    // RFC 3339 in UTC, all of one precision: later is greater.
    last = std::max(last, text_at(status, {"lastState", "terminated", "finishedAt"}));
  }
};

bool restarts_always(const Value& pod, std::string_view init_container) {
  for (const Value& container : list_at(pod, {"spec", "initContainers"})) {
    if (container.string_at("name") == init_container) {
      return container.string_at("restartPolicy") == "Always";
    }
  }
  return false;
}

// "Error", "Signal:9" or "ExitCode:1".
std::string termination_text(const Value& terminated) {
  const std::string_view reason = terminated.string_at("reason");
  if (!reason.empty()) return std::string(reason);
  const std::int64_t signal = terminated.int_at("signal");
  if (signal != 0) return "Signal:" + std::to_string(signal);
  return "ExitCode:" + std::to_string(terminated.int_at("exitCode"));
}

const Value* state_of(const Value& status, std::string_view state) {
  const Value* found = status.find_path({"state", state});
  return found != nullptr && found->is_object() ? found : nullptr;
}

// What an init container says while it holds up the pod; nothing when it is done.
std::optional<std::string> init_reason(const Value& status, bool is_restartable, std::size_t index,
                                       std::size_t total) {
  const Value* terminated = state_of(status, "terminated");
  if (terminated != nullptr && terminated->int_at("exitCode") == 0) return std::nullopt;
  if (is_restartable && status.bool_at("started")) return std::nullopt;
  if (terminated != nullptr) return "Init:" + termination_text(*terminated);
  const std::string_view waiting = text_at(status, {"state", "waiting", "reason"});
  if (!waiting.empty() && waiting != "PodInitializing") return "Init:" + std::string(waiting);
  return "Init:" + std::to_string(index) + "/" + std::to_string(total);
}

void add_containers(PodSummary& summary, const Value& pod, Restarts restarts) {
  bool has_running = false;
  const auto statuses = list_at(pod, {"status", "containerStatuses"});
  for (std::size_t i = statuses.size(); i-- > 0;) {
    const Value& status = statuses[i];
    restarts.add(status);
    const std::string_view waiting = text_at(status, {"state", "waiting", "reason"});
    if (!waiting.empty()) {
      summary.reason = waiting;
    } else if (const Value* terminated = state_of(status, "terminated")) {
      summary.reason = termination_text(*terminated);
    } else if (status.bool_at("ready") && state_of(status, "running") != nullptr) {
      has_running = true;
      ++summary.ready;
    }
  }
  summary.restarts = restarts.count;
  summary.last_restart = restarts.last;
  if (summary.reason == "Completed" && has_running) {
    const bool is_ready = is_condition_true(list_at(pod, {"status", "conditions"}), "Ready");
    summary.reason = is_ready ? "Running" : "NotReady";
  }
}

PodSummary summarise(const Value& pod) {
  PodSummary summary;
  const auto conditions = list_at(pod, {"status", "conditions"});
  const std::string_view phase = text_at(pod, {"status", "phase"});
  const std::string_view status_reason = text_at(pod, {"status", "reason"});
  summary.reason = status_reason.empty() ? phase : status_reason;
  if (const Value* scheduled = find_condition(conditions, "PodScheduled");
      scheduled != nullptr && scheduled->string_at("reason") == "SchedulingGated") {
    summary.reason = "SchedulingGated";
  }
  const auto inits = list_at(pod, {"spec", "initContainers"});
  summary.total = static_cast<std::int64_t>(list_at(pod, {"spec", "containers"}).size());
  for (const Value& init : inits) summary.total += init.string_at("restartPolicy") == "Always";

  bool is_initializing = false;
  Restarts all, restartable;
  const auto statuses = list_at(pod, {"status", "initContainerStatuses"});
  for (std::size_t i = 0; i < statuses.size() && !is_initializing; ++i) {
    const bool is_restartable = restarts_always(pod, statuses[i].string_at("name"));
    all.add(statuses[i]);
    if (is_restartable) restartable.add(statuses[i]);
    if (auto reason = init_reason(statuses[i], is_restartable, i, inits.size())) {
      summary.reason = std::move(*reason);
      is_initializing = true;
    } else if (is_restartable && statuses[i].bool_at("ready")) {
      ++summary.ready;
    }
  }
  summary.restarts = all.count;
  summary.last_restart = all.last;
  if (!is_initializing || is_condition_true(conditions, "Initialized")) {
    add_containers(summary, pod, restartable);
  }
  if (is_being_deleted(pod)) {
    if (status_reason == "NodeLost")
      summary.reason = "Unknown";
    else if (phase != "Succeeded" && phase != "Failed")
      summary.reason = "Terminating";
  }
  return summary;
}

std::string pod_ready(const Value& pod, WallTime) {
  const PodSummary summary = summarise(pod);
  return std::to_string(summary.ready) + "/" + std::to_string(summary.total);
}

std::string pod_status(const Value& pod, WallTime) { return summarise(pod).reason; }

std::string pod_restarts(const Value& pod, WallTime now) {
  const PodSummary summary = summarise(pod);
  std::string text = std::to_string(summary.restarts);
  if (summary.restarts != 0 && !summary.last_restart.empty()) {
    text += " (" + age_text(summary.last_restart, now) + " ago)";
  }
  return text;
}

std::string readiness_gates(const Value& pod, WallTime) {
  const auto gates = list_at(pod, {"spec", "readinessGates"});
  if (gates.empty()) return "<none>";
  const auto conditions = list_at(pod, {"status", "conditions"});
  const auto open = std::ranges::count_if(gates, [&](const Value& gate) {
    return is_condition_true(conditions, gate.string_at("conditionType"));
  });
  return std::to_string(open) + "/" + std::to_string(gates.size());
}

constexpr ColumnRule kRules[] = {
    {"pod-ready", pod_ready},
    {"pod-status", pod_status},
    {"pod-restarts", pod_restarts},
    {"readiness-gates", readiness_gates},
};

}  // namespace

std::span<const ColumnRule> pod_column_rules() { return kRules; }

}  // namespace pinnace::apiserver
