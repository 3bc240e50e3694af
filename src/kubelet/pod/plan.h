// make_plan decides what to do next for one pod: which sandbox and containers to start and to end.
//
// Why pure: every rule of restarting, init order and back-off is tested without a runtime.
// Source: Kubernetes documentation, "Pod Lifecycle" and "Init Containers", "Sidecar Containers".
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "api/types/core_v1.h"
#include "kubelet/pod/backoff.h"
#include "kubelet/pod/pod_state.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

enum class Health { kUnknown, kHealthy, kFailed };

// What the probes say of one running container, by its id.
struct ProbeView {
  std::function<Health(const std::string& container_id)> liveness;
  std::function<Health(const std::string& container_id)> startup;
  // Startup probe passed, or there is none.
  std::function<bool(const std::string& container_id)> started;
};

struct StartContainer {
  core::Container container;
  std::string shares_processes_of;  // The id of an ephemeral container's target.
  std::uint32_t restart_count = 0;
  std::string backoff_key;  // Empty at the first start: nothing to count.
  WallTime last_finished;
};
struct KillContainer {
  std::string id;
  std::string message;                        // For the Killing event.
  std::optional<std::int64_t> grace_seconds;  // A probe's own; the pod's otherwise.
};
struct Waiting {
  std::string container;
  std::string reason, message;
  bool operator==(const Waiting&) const = default;
};

struct Plan {
  bool kill_sandbox = false;  // End all that runs in old sandboxes first.
  bool create_sandbox = false;
  std::uint32_t sandbox_attempt = 0;
  std::vector<KillContainer> kill;
  std::vector<StartContainer> start;
  std::vector<Waiting> waiting;        // Containers in CrashLoopBackOff.
  std::optional<Duration> look_again;  // When a back-off ends.
  bool idle() const { return !kill_sandbox && !create_sandbox && kill.empty() && start.empty(); }
};

struct PlanInput {
  const core::Pod& pod;
  const PodState& state;
  const Backoff& backoff;
  const ProbeView& probes;
  WallTime now;
};

Plan make_plan(const PlanInput& input);

// The container of this name of whichever kind. An ephemeral one has the fields that it shares with
// the others.
std::optional<core::Container> find_container(const core::Pod& pod, std::string_view name);
// A sidecar: an init container that keeps running (restartPolicy: Always).
bool is_sidecar(const core::Container& container);
// Changes when the container must be made anew.
std::string container_hash(const core::Container& container);
// All regular containers have ended and none of them is to start again.
bool has_finished(const core::Pod& pod, const PodState& state);

}  // namespace pinnace::kubelet
