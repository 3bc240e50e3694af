// PodState is what the runtime knows of one pod, read afresh before every decision.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet {

// Labels that tie sandboxes and containers to their pod; other tools read them too.
inline constexpr std::string_view kPodNameLabel = "io.kubernetes.pod.name";
inline constexpr std::string_view kPodNamespaceLabel = "io.kubernetes.pod.namespace";
inline constexpr std::string_view kPodUidLabel = "io.kubernetes.pod.uid";
inline constexpr std::string_view kContainerNameLabel = "io.kubernetes.container.name";
// Annotations that carry over a restart of the agent.
inline constexpr std::string_view kHashAnnotation = "io.kubernetes.container.hash";
inline constexpr std::string_view kRestartCountAnnotation = "io.kubernetes.container.restartCount";
inline constexpr std::string_view kMessagePathAnnotation =
    "io.kubernetes.container.terminationMessagePath";
inline constexpr std::string_view kMessagePolicyAnnotation =
    "io.kubernetes.container.terminationMessagePolicy";
inline constexpr std::string_view kGraceAnnotation = "io.kubernetes.pod.terminationGracePeriod";

struct ContainerRecord {
  std::string sandbox_id;
  cri::ContainerStatus status;

  bool running() const { return status.state == cri::ContainerState::kRunning; }
  bool exited() const { return status.state == cri::ContainerState::kExited; }
  std::int64_t restart_count() const;
};

struct PodState {
  std::vector<cri::Sandbox> sandboxes;      // The newest first.
  std::vector<std::string> ips;             // Of the newest sandbox, if it is ready.
  std::vector<ContainerRecord> containers;  // The newest first.

  const cri::Sandbox* ready_sandbox() const {
    return !sandboxes.empty() && sandboxes.front().ready ? &sandboxes.front() : nullptr;
  }
  // The newest container of this name; null when there is none.
  const ContainerRecord* latest(std::string_view name) const;
  // The newest exited one that is older than `latest`.
  const ContainerRecord* previous(std::string_view name) const;
  bool any_running() const;
};

// What a look at the runtime's lists shows of a pod: the state of each sandbox and container, by
// id.
using Glance = std::map<std::string, int>;
// Whether a state in a Glance is that of something that runs.
bool is_alive(int glance);
int glance_of(const cri::Sandbox& sandbox);
int glance_of(cri::ContainerState state);
Glance glance_of(const PodState& state);

Result<PodState> read_pod_state(cri::Runtime& runtime, std::string_view uid);

}  // namespace pinnace::kubelet
