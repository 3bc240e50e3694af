#include "kubelet/pod/status.h"

#include <algorithm>
#include <array>

#include "api/typed.h"

namespace pinnace::kubelet {
namespace {

using core::ContainerStatus;

constexpr std::array<std::string_view, 5> kOwnConditions{
    "PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"};

// API times have whole seconds; what is finer would look like a change each time.
api::Time whole_seconds(WallTime at) {
  return api::Time(std::chrono::floor<std::chrono::seconds>(at));
}
api::Time to_time(std::int64_t nanoseconds) {
  if (nanoseconds <= 0) return {};
  return whole_seconds(WallTime(std::chrono::nanoseconds(nanoseconds)));
}

const ContainerStatus* find_status(const std::vector<ContainerStatus>& list,
                                   const std::string& name) {
  const auto found = std::ranges::find(list, name, &ContainerStatus::name);
  return found == list.end() ? nullptr : &*found;
}

std::string api_id(const std::string& id) { return "containerd://" + id; }

core::ContainerStateTerminated terminated(const ContainerRecord& record) {
  const auto& status = record.status;
  core::ContainerStateTerminated out;
  out.exit_code = status.exit_code;
  out.reason = !status.reason.empty()  ? status.reason
               : status.exit_code == 0 ? "Completed"
                                       : "Error";
  out.message = status.message;
  out.started_at = to_time(status.started_at_ns);
  out.finished_at = to_time(status.finished_at_ns);
  out.container_id = api_id(status.id);
  return out;
}

core::ContainerStateWaiting waiting_state(std::string reason, std::string message = {}) {
  core::ContainerStateWaiting out;
  out.reason = std::move(reason);
  out.message = std::move(message);
  return out;
}

class StatusMaker {
 public:
  explicit StatusMaker(const StatusInput& input)
      : in_(input), spec_(input.pod.spec), old_(input.pod.status) {}

  core::PodStatus make() {
    out_ = old_;
    out_.observed_generation = in_.pod.metadata.generation;
    out_.init_container_statuses.clear();
    out_.container_statuses.clear();
    out_.ephemeral_container_statuses.clear();
    for (const auto& container : spec_.init_containers) {
      out_.init_container_statuses.push_back(
          container_status(container, old_.init_container_statuses, true));
      if (!init_done(container, out_.init_container_statuses.back())) init_pending_ = true;
    }
    for (const auto& container : spec_.containers) {
      out_.container_statuses.push_back(
          container_status(container, old_.container_statuses, false));
    }
    for (const auto& each : spec_.ephemeral_containers) {
      if (const auto container = find_container(in_.pod, each.name)) {
        out_.ephemeral_container_statuses.push_back(
            container_status(*container, old_.ephemeral_container_statuses, false));
      }
    }
    out_.phase = phase();
    if (!was_final()) {
      out_.reason.clear();
      out_.message.clear();
    }
    if (in_.verdict) {
      out_.phase = "Failed";
      out_.reason = in_.verdict->reason;
      out_.message = in_.verdict->message;
    }
    set_addresses();
    set_conditions();
    return std::move(out_);
  }

 private:
  bool was_final() const { return old_.phase == "Succeeded" || old_.phase == "Failed"; }

  bool init_done(const core::Container& container, const ContainerStatus& status) const {
    if (is_sidecar(container)) return status.started.value_or(false);
    return status.state.terminated && status.state.terminated->exit_code == 0;
  }

  ContainerStatus container_status(const core::Container& container,
                                   const std::vector<ContainerStatus>& old_list, bool is_init) {
    const ContainerStatus* old = find_status(old_list, container.name);
    const ContainerRecord* record = in_.state.latest(container.name);
    if (!record && old && (old->state.terminated || in_.terminal)) return lost(*old);
    ContainerStatus out;
    out.name = container.name;
    out.image = container.image;
    const Waiting* waits = why_waiting(container.name);
    if (!record) {
      if (old) {
        out.restart_count = old->restart_count;
        out.last_state = old->last_state;
      }
      out.started = false;
      const bool initializing = !is_init && !spec_.init_containers.empty() && init_pending_;
      out.state.waiting =
          waits ? waiting_state(waits->reason, waits->message)
                : waiting_state(initializing || (is_init && init_pending_) ? "PodInitializing"
                                                                           : "ContainerCreating");
      return out;
    }
    // The one before may have been collected as garbage.
    if (old && old->container_id == api_id(record->status.id)) out.last_state = old->last_state;
    fill(container, *record, waits, is_init, out);
    return out;
  }

  void fill(const core::Container& container, const ContainerRecord& record, const Waiting* waits,
            bool is_init, ContainerStatus& out) const {
    const auto& status = record.status;
    out.container_id = api_id(status.id);
    if (!status.image.empty()) out.image = status.image;
    out.image_id = status.image_ref;
    out.restart_count = static_cast<std::int32_t>(record.restart_count());
    out.started = record.running() && in_.started(status.id);
    const ContainerRecord* previous = in_.state.previous(container.name);
    if (previous) out.last_state.terminated = terminated(*previous);
    if (record.running()) {
      core::ContainerStateRunning running;
      running.started_at = to_time(status.started_at_ns);
      out.state.running = running;
      const bool sidecar_or_regular = !is_init || is_sidecar(container);
      out.ready = sidecar_or_regular && *out.started && in_.ready(status.id);
    } else if (record.exited() && waits) {
      out.state.waiting = waiting_state(waits->reason, waits->message);
      out.last_state.terminated = terminated(record);
    } else if (record.exited()) {
      out.state.terminated = terminated(record);
      out.ready = is_init && status.exit_code == 0;
    } else {
      out.state.waiting =
          waits ? waiting_state(waits->reason, waits->message) : waiting_state("ContainerCreating");
    }
  }

  // The runtime has forgotten a container that the API knows.
  ContainerStatus lost(ContainerStatus status) const {
    if (status.state.running) {
      core::ContainerStateTerminated ended;
      ended.reason = "ContainerStatusUnknown";
      ended.message = "The container could not be located when the pod was terminated";
      ended.exit_code = 137;
      ended.container_id = status.container_id;
      ended.started_at = status.state.running->started_at;
      status.state = {};
      status.state.terminated = ended;
    }
    if (status.state.terminated)
      status.ready = status.ready && status.state.terminated->exit_code == 0;
    status.started = false;
    return status;
  }

  const Waiting* why_waiting(const std::string& name) const {
    const auto found = std::ranges::find(in_.waiting, name, &Waiting::container);
    return found == in_.waiting.end() ? nullptr : &*found;
  }

  std::string phase() const {
    int waiting = 0, running = 0, stopped = 0, succeeded = 0;
    for (const auto& status : out_.container_statuses) {
      const bool exited_before = status.state.waiting && status.last_state.terminated;
      if (status.state.running)
        ++running;
      else if (status.state.terminated || exited_before)
        ++stopped;
      else
        ++waiting;
      if (status.state.terminated && status.state.terminated->exit_code == 0) ++succeeded;
    }
    if (in_.terminal) {
      if (was_final()) return old_.phase;
      return stopped > 0 && stopped == succeeded && waiting == 0 ? "Succeeded" : "Failed";
    }
    for (std::size_t i = 0; i < spec_.init_containers.size(); ++i) {
      const auto& state = out_.init_container_statuses[i].state;
      if (!is_sidecar(spec_.init_containers[i]) && state.terminated &&
          state.terminated->exit_code != 0 && spec_.restart_policy == "Never") {
        return "Failed";
      }
    }
    if (init_pending_ && running == 0 && stopped == 0) return "Pending";
    if (waiting > 0) return "Pending";
    if (running > 0) return "Running";
    if (stopped == 0) return "Pending";
    if (spec_.restart_policy == "Always") return "Running";
    if (stopped == succeeded) return "Succeeded";
    return spec_.restart_policy == "Never" ? "Failed" : "Running";
  }

  void set_addresses() {
    out_.host_ip = in_.host_ip;
    core::HostIP host;
    host.ip = in_.host_ip;
    out_.host_ips = {host};
    if (out_.start_time.is_zero()) out_.start_time = whole_seconds(in_.now);
    out_.qos_class = old_.qos_class;
    std::vector<std::string> ips = in_.state.ips;
    if (spec_.host_network) ips = {in_.host_ip};
    if (ips.empty()) return;  // An address stays on show after the sandbox has gone.
    out_.pod_ip = ips.front();
    out_.pod_ips.clear();
    for (const auto& ip : ips) {
      core::PodIP entry;
      entry.ip = ip;
      out_.pod_ips.push_back(entry);
    }
  }

  void set_conditions() {
    std::vector<core::PodCondition> others;
    for (const auto& condition : old_.conditions) {
      if (!is_own_condition(condition.type)) others.push_back(condition);
    }
    out_.conditions.clear();
    const bool sandbox =
        in_.state.ready_sandbox() && (spec_.host_network || !in_.state.ips.empty());
    add_condition("PodReadyToStartContainers", sandbox, "", "");
    set_initialized();
    set_ready("Ready", true);
    set_ready("ContainersReady", false);
    const auto* scheduled = find_condition(old_, "PodScheduled");
    if (scheduled)
      out_.conditions.push_back(*scheduled);
    else
      add_condition("PodScheduled", true, "", "");
    out_.conditions.insert(out_.conditions.end(), others.begin(), others.end());
  }

  void set_initialized() {
    std::string names;
    for (std::size_t i = 0; i < spec_.init_containers.size(); ++i) {
      if (init_done(spec_.init_containers[i], out_.init_container_statuses[i])) continue;
      names += (names.empty() ? "" : " ") + spec_.init_containers[i].name;
    }
    if (names.empty() || out_.phase == "Succeeded") {
      add_condition("Initialized", true, out_.phase == "Succeeded" ? "PodCompleted" : "", "");
    } else {
      add_condition("Initialized", false, "ContainersNotInitialized",
                    "containers with incomplete status: [" + names + ']');
    }
  }

  void set_ready(const char* type, bool with_gates) {
    if (out_.phase == "Succeeded" || out_.phase == "Failed") {
      add_condition(type, false, out_.phase == "Succeeded" ? "PodCompleted" : "PodFailed", "");
      return;
    }
    std::string unready;
    for (std::size_t i = 0; i < spec_.init_containers.size(); ++i) {
      if (is_sidecar(spec_.init_containers[i]) && !out_.init_container_statuses[i].ready) {
        unready += (unready.empty() ? "" : " ") + spec_.init_containers[i].name;
      }
    }
    for (const auto& status : out_.container_statuses) {
      if (!status.ready) unready += (unready.empty() ? "" : " ") + status.name;
    }
    if (!unready.empty()) {
      add_condition(type, false, "ContainersNotReady",
                    "containers with unready status: [" + unready + ']');
      return;
    }
    if (with_gates) {
      for (const auto& gate : spec_.readiness_gates) {
        const auto* condition = find_condition(old_, gate.condition_type);
        if (condition && condition->status == "True") continue;
        add_condition(type, false, "ReadinessGatesNotReady",
                      condition ? "the status of pod readiness gate \"" + gate.condition_type +
                                      "\" is not \"True\", but " + condition->status
                                : "corresponding condition of pod readiness gate \"" +
                                      gate.condition_type + "\" does not exist.");
        return;
      }
    }
    add_condition(type, true, "", "");
  }

  void add_condition(const char* type, bool value, std::string reason, std::string message) {
    core::PodCondition condition;
    condition.type = type;
    condition.status = value ? "True" : "False";
    condition.reason = std::move(reason);
    condition.message = std::move(message);
    condition.observed_generation = in_.pod.metadata.generation;
    const auto* old = find_condition(old_, type);
    condition.last_transition_time =
        old && old->status == condition.status ? old->last_transition_time : whole_seconds(in_.now);
    out_.conditions.push_back(std::move(condition));
  }

  const StatusInput& in_;
  const core::PodSpec& spec_;
  const core::PodStatus& old_;
  core::PodStatus out_;
  bool init_pending_ = false;
};

void append_null(std::string& json, std::string_view key) {
  json.insert(json.size() - 1,
              std::string(json.size() > 2 ? "," : "") + '"' + std::string(key) + "\":null");
}

}  // namespace

bool is_own_condition(std::string_view type) {
  return std::ranges::find(kOwnConditions, type) != kOwnConditions.end();
}

const core::PodCondition* find_condition(const core::PodStatus& status, std::string_view type) {
  const auto found = std::ranges::find(status.conditions, type, &core::PodCondition::type);
  return found == status.conditions.end() ? nullptr : &*found;
}

core::PodStatus make_status(const StatusInput& input) { return StatusMaker(input).make(); }

std::string status_patch(const core::Pod& pod, const core::PodStatus& before,
                         const core::PodStatus& after) {
  if (before == after) return {};
  std::string status = api::to_json(after);
  if (after.reason.empty() && !before.reason.empty()) append_null(status, "reason");
  if (after.message.empty() && !before.message.empty()) append_null(status, "message");
  return R"({"metadata":{"uid":")" + pod.metadata.uid + R"("},"status":)" + status + '}';
}

}  // namespace pinnace::kubelet
