#include "kubelet/pod/pod_state.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::kubelet {

std::int64_t ContainerRecord::restart_count() const {
  const auto found = status.annotations.find(kRestartCountAnnotation);
  if (found != status.annotations.end()) {
    if (const auto count = parse_int(found->second)) return *count;
  }
  return status.attempt;
}

const ContainerRecord* PodState::latest(std::string_view name) const {
  const auto found = std::ranges::find_if(
      containers, [&](const ContainerRecord& record) { return record.status.name == name; });
  return found == containers.end() ? nullptr : &*found;
}

const ContainerRecord* PodState::previous(std::string_view name) const {
  const ContainerRecord* newest = latest(name);
  for (const auto& record : containers) {
    if (record.status.name == name && &record != newest && record.exited()) return &record;
  }
  return nullptr;
}

bool PodState::any_running() const {
  return std::ranges::any_of(containers, &ContainerRecord::running);
}

constexpr int kSandboxReady = -1, kSandboxEnded = -2;

bool is_alive(int glance) {
  return glance == kSandboxReady || glance == static_cast<int>(cri::ContainerState::kRunning);
}
int glance_of(const cri::Sandbox& sandbox) { return sandbox.ready ? kSandboxReady : kSandboxEnded; }
int glance_of(cri::ContainerState state) { return static_cast<int>(state); }

Glance glance_of(const PodState& state) {
  Glance out;
  for (const auto& sandbox : state.sandboxes) out[sandbox.id] = glance_of(sandbox);
  for (const auto& record : state.containers)
    out[record.status.id] = glance_of(record.status.state);
  return out;
}

Result<PodState> read_pod_state(cri::Runtime& runtime, std::string_view uid) {
  const cri::Labels selector{{std::string(kPodUidLabel), std::string(uid)}};
  auto sandboxes = runtime.list_sandboxes(selector);
  if (!sandboxes) return std::unexpected(std::move(sandboxes.error()));
  PodState state{std::move(*sandboxes), {}, {}};
  std::ranges::sort(state.sandboxes, std::greater(), &cri::Sandbox::created_at_ns);
  if (const auto* ready = state.ready_sandbox()) {
    auto status = runtime.sandbox_status(ready->id);
    if (!status && status.error().code != 404) return std::unexpected(std::move(status.error()));
    if (status) state.ips = std::move(status->ips);
  }
  auto containers = runtime.list_containers(selector);
  if (!containers) return std::unexpected(std::move(containers.error()));
  for (const auto& container : *containers) {
    auto status = runtime.container_status(container.id);
    if (!status && status.error().code == 404) continue;  // Removed in between.
    if (!status) return std::unexpected(std::move(status.error()));
    state.containers.push_back({container.sandbox_id, std::move(*status)});
  }
  std::ranges::sort(state.containers, [](const ContainerRecord& a, const ContainerRecord& b) {
    return a.status.created_at_ns > b.status.created_at_ns;
  });
  return state;
}

}  // namespace pinnace::kubelet
