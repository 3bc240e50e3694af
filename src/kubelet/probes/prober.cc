#include "kubelet/probes/prober.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "kubelet/probes/probe_state.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::array kEarlyTries{milliseconds(30), milliseconds(70), milliseconds(150),
                                 milliseconds(250), milliseconds(500)};

const char* name_of(ProbeKind kind) {
  switch (kind) {
    case ProbeKind::kLiveness:
      return "Liveness";
    case ProbeKind::kReadiness:
      return "Readiness";
    case ProbeKind::kStartup:
      return "Startup";
  }
  return "";
}

struct Watched {
  std::shared_ptr<const core::Pod> pod;
  const core::Container* container = nullptr;
  std::string id, pod_ip;
  WallTime started_at;
  std::map<ProbeKind, ProbeState> probes;
  std::vector<ProbeKind> held;  // Due, but the startup probe has not passed.
};

}  // namespace

struct Prober::State : std::enable_shared_from_this<Prober::State> {
  State(Executor& e, ProbeRunner r, EventSink s, std::function<void(const std::string&)> c)
      : executor(e), runner(std::move(r)), events(std::move(s)), changed(std::move(c)) {}

  Executor& executor;
  const ProbeRunner runner;
  const EventSink events;
  const std::function<void(const std::string&)> changed;
  mutable std::mutex mutex;
  bool stopping = false;
  std::map<std::string, Watched> containers;  // By container id.

  const core::Probe* probe_of(const Watched& watched, ProbeKind kind) const {
    const auto& container = *watched.container;
    switch (kind) {
      case ProbeKind::kLiveness:
        return container.liveness_probe.get();
      case ProbeKind::kReadiness:
        return container.readiness_probe.get();
      case ProbeKind::kStartup:
        return container.startup_probe.get();
    }
    return nullptr;
  }
  static bool passed_startup(const Watched& watched) {
    const auto found = watched.probes.find(ProbeKind::kStartup);
    return found == watched.probes.end() || found->second.health() == Health::kHealthy;
  }
  Health health(const std::string& id, ProbeKind kind) const {
    const std::lock_guard lock(mutex);
    const auto found = containers.find(id);
    if (found == containers.end()) return Health::kUnknown;
    const auto probe = found->second.probes.find(kind);
    return probe == found->second.probes.end() ? Health::kUnknown : probe->second.health();
  }

  void add(const std::shared_ptr<const core::Pod>& pod, const core::Container& container,
           const ContainerRecord& record, const std::string& pod_ip);
  static void assume_reported(Watched& watched);
  void schedule(const std::string& id, ProbeKind kind, Duration delay, std::size_t early);
  void fire(const std::string& id, ProbeKind kind, std::size_t early);
  void accept(const std::string& id, ProbeKind kind, std::size_t early, bool success,
              const std::string& output);
};

// A container that the API server knows as ready was so before the agent started: it stays so until
// a probe says otherwise.
void Prober::State::assume_reported(Watched& watched) {
  for (const auto* list :
       {&watched.pod->status.container_statuses, &watched.pod->status.init_container_statuses}) {
    for (const auto& status : *list) {
      if (!status.container_id.ends_with("//" + watched.id)) continue;
      for (auto& [kind, probe] : watched.probes) {
        if (kind == ProbeKind::kReadiness && status.ready) probe.assume(Health::kHealthy);
        if (kind == ProbeKind::kStartup && status.started.value_or(false)) {
          probe.assume(Health::kHealthy);
        }
      }
    }
  }
}

void Prober::State::add(const std::shared_ptr<const core::Pod>& pod,
                        const core::Container& container, const ContainerRecord& record,
                        const std::string& pod_ip) {
  Watched watched{pod,
                  &container,
                  record.status.id,
                  pod_ip,
                  WallTime(std::chrono::nanoseconds(record.status.started_at_ns)),
                  {},
                  {}};
  for (const ProbeKind kind : {ProbeKind::kStartup, ProbeKind::kReadiness, ProbeKind::kLiveness}) {
    if (const auto* probe = probe_of(watched, kind)) {
      watched.probes.emplace(kind,
                             ProbeState(kind, probe->success_threshold, probe->failure_threshold));
    }
  }
  assume_reported(watched);
  const Duration age = executor.clock().wall() - watched.started_at;
  for (const auto& [kind, probe] : watched.probes) {
    const Duration delay = seconds(probe_of(watched, kind)->initial_delay_seconds);
    const bool eager = delay.count() == 0 && kind != ProbeKind::kLiveness && age < seconds(1);
    schedule(watched.id, kind, std::max<Duration>(delay - age, Duration(0)),
             eager ? 0 : kEarlyTries.size());
  }
  containers.insert_or_assign(record.status.id, std::move(watched));
}

void Prober::State::schedule(const std::string& id, ProbeKind kind, Duration delay,
                             std::size_t early) {
  executor.schedule_after(delay, [weak = weak_from_this(), id, kind, early] {
    if (const auto self = weak.lock()) self->fire(id, kind, early);
  });
}

void Prober::State::fire(const std::string& id, ProbeKind kind, std::size_t early) {
  ProbeTry what;
  {
    const std::lock_guard lock(mutex);
    const auto found = containers.find(id);
    if (stopping || found == containers.end()) return;
    Watched& watched = found->second;
    const auto* probe = probe_of(watched, kind);
    if (watched.probes.at(kind).over()) return;
    if (kind != ProbeKind::kStartup && !passed_startup(watched)) {
      watched.held.push_back(kind);
      return;
    }
    what = {watched.pod_ip, id, watched.pod, watched.container, probe};
  }
  runner(what, [weak = weak_from_this(), id, kind, early](bool success, const std::string& output) {
    if (const auto self = weak.lock()) self->accept(id, kind, early, success, output);
  });
}

void Prober::State::accept(const std::string& id, ProbeKind kind, std::size_t early, bool success,
                           const std::string& output) {
  std::shared_ptr<const core::Pod> pod;
  const core::Container* container = nullptr;
  bool news = false;
  {
    const std::lock_guard lock(mutex);
    const auto found = containers.find(id);
    if (stopping || found == containers.end()) return;
    Watched& watched = found->second;
    pod = watched.pod;
    container = watched.container;
    ProbeState& probe = watched.probes.at(kind);
    const bool trial = !success && early < kEarlyTries.size();
    if (!trial) news = probe.record(success);
    const Duration period = seconds(std::max(probe_of(watched, kind)->period_seconds, 1));
    if (!probe.over()) {
      schedule(id, kind, trial ? Duration(kEarlyTries[early]) : period,
               trial ? early + 1 : kEarlyTries.size());
    }
    if (news && kind == ProbeKind::kStartup && success) {
      for (const ProbeKind held : std::exchange(watched.held, {})) {
        schedule(id, held, Duration(0), held == ProbeKind::kReadiness ? 0 : kEarlyTries.size());
      }
    }
    if (trial) return;
  }
  if (!success) {
    events(reference_to(*pod, container), kWarning, "Unhealthy",
           std::string(name_of(kind)) + " probe failed: " + output);
  }
  if (news) changed(pod->metadata.uid);
}

Prober::Prober(Executor& executor, ProbeRunner runner, EventSink events,
               std::function<void(const std::string&)> changed)
    : state_(std::make_shared<State>(executor, std::move(runner), std::move(events),
                                     std::move(changed))) {}

Prober::~Prober() { stop(); }

void Prober::stop() {
  const std::lock_guard lock(state_->mutex);
  state_->stopping = true;
  state_->containers.clear();
}

void Prober::update(const std::shared_ptr<const core::Pod>& pod, const PodState& state) {
  const std::string ip = state.ips.empty() ? std::string() : state.ips.front();
  const std::lock_guard lock(state_->mutex);
  if (state_->stopping) return;
  std::vector<std::string> running;
  const auto look = [&](const core::Container& container) {
    const auto* record = state.latest(container.name);
    if (!record || !record->running()) return;
    running.push_back(record->status.id);
    if (!state_->containers.contains(record->status.id)) state_->add(pod, container, *record, ip);
  };
  for (const auto& container : pod->spec.init_containers) {
    if (is_sidecar(container)) look(container);
  }
  for (const auto& container : pod->spec.containers) look(container);
  std::erase_if(state_->containers, [&](const auto& item) {
    return item.second.pod->metadata.uid == pod->metadata.uid &&
           std::ranges::find(running, item.first) == running.end();
  });
}

void Prober::forget(const std::string& pod_uid) {
  const std::lock_guard lock(state_->mutex);
  std::erase_if(state_->containers,
                [&](const auto& item) { return item.second.pod->metadata.uid == pod_uid; });
}

Health Prober::liveness(const std::string& id) const {
  return state_->health(id, ProbeKind::kLiveness);
}
Health Prober::startup(const std::string& id) const {
  return state_->health(id, ProbeKind::kStartup);
}

bool Prober::started(const std::string& id) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->containers.find(id);
  return found != state_->containers.end() && State::passed_startup(found->second);
}

bool Prober::ready(const std::string& id) const {
  const std::lock_guard lock(state_->mutex);
  const auto found = state_->containers.find(id);
  if (found == state_->containers.end() || !State::passed_startup(found->second)) return false;
  const auto probe = found->second.probes.find(ProbeKind::kReadiness);
  return probe == found->second.probes.end() || probe->second.health() == Health::kHealthy;
}

}  // namespace pinnace::kubelet
