#include "kubelet/pod/plan.h"

#include <algorithm>

#include "api/typed.h"
#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

WallTime wall_time(std::int64_t nanoseconds) {
  return WallTime(std::chrono::nanoseconds(nanoseconds));
}

std::string duration_text(Duration delay) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(delay).count();
  if (seconds < 60) return std::to_string(seconds) + 's';
  return std::to_string(seconds / 60) + 'm' + std::to_string(seconds % 60) + 's';
}

// Whether a regular container that has ended is to start again.
bool restarts(const core::PodSpec& spec, const ContainerRecord& ended) {
  if (spec.restart_policy == "Never") return false;
  if (spec.restart_policy == "OnFailure") return ended.status.exit_code != 0;
  return true;
}

class Planner {
 public:
  explicit Planner(const PlanInput& input)
      : in_(input), spec_(input.pod.spec), sandbox_(input.state.ready_sandbox()) {}

  Plan make() {
    if (has_finished(in_.pod, in_.state)) return std::move(plan_);
    plan_sandbox();
    if (plan_.create_sandbox && !may_create_) return {};
    if (plan_init()) plan_regular();
    if (sandbox_) plan_ephemeral();
    return std::move(plan_);
  }

 private:
  void plan_sandbox() {
    const auto& sandboxes = in_.state.sandboxes;
    if (sandbox_) return;
    plan_.create_sandbox = true;
    plan_.kill_sandbox = !sandboxes.empty();
    plan_.sandbox_attempt = sandboxes.empty() ? 0 : sandboxes.front().attempt + 1;
    // A pod that never restarts does not get a second sandbox once a container has run in the
    // first.
    if (spec_.restart_policy == "Never" && !sandboxes.empty() && !in_.state.containers.empty()) {
      may_create_ = false;
    }
  }

  // The newest container of this name in the sandbox that is in use.
  const ContainerRecord* current(const std::string& name) const {
    const ContainerRecord* record = in_.state.latest(name);
    if (!record || !sandbox_ || record->sandbox_id != sandbox_->id) return nullptr;
    return record;
  }

  bool any_regular_began() const {
    return std::ranges::any_of(spec_.containers,
                               [&](const auto& container) { return current(container.name); });
  }

  // True when the regular containers may run.
  bool plan_init() {
    const bool past_init = any_regular_began();
    for (const auto& container : spec_.init_containers) {
      const ContainerRecord* record = current(container.name);
      if (is_sidecar(container)) {
        if (!plan_sidecar(container, record) && !past_init) return false;
        continue;
      }
      if (past_init) continue;
      if (record && record->exited() && record->status.exit_code == 0) continue;
      if (record && record->running()) return false;
      if (record && record->exited() && spec_.restart_policy == "Never") return false;
      start(container);
      return false;
    }
    return true;
  }

  // True when the sidecar has started, so that what comes after it may begin.
  bool plan_sidecar(const core::Container& container, const ContainerRecord* record) {
    if (!record || !record->running()) {
      start(container);
      return false;
    }
    kill_if_wrong(container, *record);
    return in_.probes.started(record->status.id);
  }

  void plan_regular() {
    for (const auto& container : spec_.containers) {
      const ContainerRecord* record = current(container.name);
      if (record && record->running()) {
        kill_if_wrong(container, *record);
        continue;
      }
      // One that ran in an earlier sandbox counts too: OnFailure does not run it again.
      const ContainerRecord* last = in_.state.latest(container.name);
      if (last && last->exited() && !restarts(spec_, *last)) continue;
      start(container);
    }
  }

  // They run once, beside whatever else the pod does.
  void plan_ephemeral() {
    for (const auto& each : in_.pod.spec.ephemeral_containers) {
      if (in_.state.latest(each.name)) continue;
      StartContainer action;
      action.container = *find_container(in_.pod, each.name);
      const auto* target = current(each.target_container_name);
      if (target && target->running()) action.shares_processes_of = target->status.id;
      plan_.start.push_back(std::move(action));
    }
  }

  void kill_if_wrong(const core::Container& container, const ContainerRecord& record) {
    const std::string& id = record.status.id;
    const auto hash = record.status.annotations.find(kHashAnnotation);
    std::string message;
    std::optional<std::int64_t> grace;
    if (hash != record.status.annotations.end() && hash->second != container_hash(container)) {
      message = "Container " + container.name + " definition changed, will be restarted";
    } else if (in_.probes.liveness(id) == Health::kFailed) {
      message = "Container " + container.name + " failed liveness probe, will be restarted";
      if (container.liveness_probe)
        grace = container.liveness_probe->termination_grace_period_seconds;
    } else if (in_.probes.startup(id) == Health::kFailed) {
      message = "Container " + container.name + " failed startup probe, will be restarted";
      if (container.startup_probe)
        grace = container.startup_probe->termination_grace_period_seconds;
    }
    if (!message.empty()) plan_.kill.push_back({id, std::move(message), grace});
  }

  void start(const core::Container& container) {
    StartContainer action{container, {}, 0, {}, {}};
    if (const ContainerRecord* last = in_.state.latest(container.name)) {
      action.restart_count = static_cast<std::uint32_t>(last->restart_count() + 1);
      if (last->exited()) {
        action.last_finished = wall_time(last->status.finished_at_ns);
        action.backoff_key =
            in_.pod.metadata.uid + '/' + container.name + '/' + container_hash(container);
        if (wait(container, action)) return;
      }
    } else {
      action.restart_count = recorded_restarts(container.name);
    }
    plan_.start.push_back(std::move(action));
  }

  // A container that was collected as garbage is remembered in the pod's status.
  std::uint32_t recorded_restarts(const std::string& name) const {
    for (const auto* list :
         {&in_.pod.status.container_statuses, &in_.pod.status.init_container_statuses}) {
      for (const auto& status : *list) {
        if (status.name == name && !status.container_id.empty()) {
          return static_cast<std::uint32_t>(status.restart_count + 1);
        }
      }
    }
    return 0;
  }

  bool wait(const core::Container& container, const StartContainer& action) {
    const auto delay = in_.backoff.waiting(action.backoff_key, action.last_finished, in_.now);
    if (!delay) return false;
    const auto& meta = in_.pod.metadata;
    plan_.waiting.push_back(
        {container.name, "CrashLoopBackOff",
         "back-off " + duration_text(*delay) + " restarting failed container=" + container.name +
             " pod=" + meta.name + '_' + meta.namespace_ + '(' + meta.uid + ')'});
    const Duration rest = *delay - (in_.now - action.last_finished);
    plan_.look_again = plan_.look_again ? std::min(*plan_.look_again, rest) : rest;
    return true;
  }

  const PlanInput& in_;
  const core::PodSpec& spec_;
  const cri::Sandbox* sandbox_;
  bool may_create_ = true;
  Plan plan_;
};

}  // namespace

Plan make_plan(const PlanInput& input) { return Planner(input).make(); }

std::optional<core::Container> find_container(const core::Pod& pod, std::string_view name) {
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    const auto found = std::ranges::find(*list, name, &core::Container::name);
    if (found != list->end()) return *found;
  }
  const auto& ephemeral = pod.spec.ephemeral_containers;
  const auto found = std::ranges::find(ephemeral, name, &core::EphemeralContainer::name);
  if (found == ephemeral.end()) return std::nullopt;
  auto container = api::from_json<core::Container>(api::to_json(*found));
  return container ? std::optional(std::move(*container)) : std::nullopt;
}

bool is_sidecar(const core::Container& container) { return container.restart_policy == "Always"; }

std::string container_hash(const core::Container& container) {
  const std::uint64_t hash = fnv1a_64(container.name + '\n' + container.image);
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(hash >> (56 - 8 * i));
  return hex_encode(bytes);
}

bool has_finished(const core::Pod& pod, const PodState& state) {
  const auto& spec = pod.spec;
  if (spec.restart_policy != "Never" && spec.restart_policy != "OnFailure") return false;
  if (spec.restart_policy == "Never") {
    for (const auto& container : spec.init_containers) {
      const auto* record = state.latest(container.name);
      const bool failed = record && record->exited() && record->status.exit_code != 0;
      if (!is_sidecar(container) && failed) return true;
    }
  }
  return std::ranges::all_of(spec.containers, [&](const auto& container) {
    const auto* record = state.latest(container.name);
    return record && record->exited() && !restarts(spec, *record);
  });
}

}  // namespace pinnace::kubelet
