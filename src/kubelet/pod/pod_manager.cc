#include "kubelet/pod/pod_manager.h"

#include <future>

#include "base/log.h"
#include "base/strings.h"
#include "kubelet/pod/leftovers.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::seconds;

// Events tell what happens; this is for those that were lost.
constexpr seconds kAuditPeriod{60};
// An event stream misses what happens while it is being opened.
constexpr seconds kAuditAfterGap{2};

std::string label(const cri::Labels& labels, std::string_view key) {
  const auto found = labels.find(key);
  return found == labels.end() ? std::string() : found->second;
}

// As much of a pod as its sandbox tells.
std::shared_ptr<core::Pod> pod_of(const cri::Labels& labels) {
  auto pod = std::make_shared<core::Pod>();
  pod->metadata.uid = label(labels, kPodUidLabel);
  pod->metadata.name = label(labels, kPodNameLabel);
  pod->metadata.namespace_ = label(labels, kPodNamespaceLabel);
  return pod;
}

}  // namespace

PodManager::PodManager(const PodContext& context, metrics::Registry& metrics)
    : context_(context),
      pods_(context.api, context.executor,
            client::ListOptions{"", "", "spec.nodeName=" + context.node_name}),
      running_pods_(metrics.gauge("kubelet_running_pods", "Pods that have a running sandbox.")),
      auditor_(context.executor, context.pool, [this] { return audit(); }) {
  pods_.on_transition(
      [this](const PodRef& before, const PodRef& after) { changed(before, after); });
  pods_.on_synced([this] { begin_if_complete(); });
  context_.services.on_synced([this] {
    {
      const std::lock_guard lock(mutex_);
      services_synced_ = true;
    }
    begin_if_complete();
  });
}

PodManager::~PodManager() = default;

void PodManager::start() {
  context_.services.start();
  pods_.start();
}

void PodManager::node_known() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(node_known_, true)) return;
  }
  context_.executor.post([this] { begin_if_complete(); });
}

void PodManager::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopped_, true)) return;
  }
  auditor_.stop();
  for (const auto& [uid, worker] : workers()) worker->stop();
  std::promise<void> stopped;
  context_.executor.post([&] {
    pods_.stop();
    context_.services.stop();
    stopped.set_value();
  });
  stopped.get_future().wait();
}

void PodManager::begin_if_complete() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_ || begun_ || !node_known_ || !services_synced_ || !pods_.synced()) return;
    begun_ = true;
  }
  for (const auto& [key, pod] : pods_.all()) take(pod, false);
  auditor_.wake();
}

void PodManager::changed(const PodRef& before, const PodRef& after) {
  {
    const std::lock_guard lock(mutex_);
    if (!begun_ || stopped_) return;
  }
  if (before && (!after || after->metadata.uid != before->metadata.uid)) {
    std::shared_ptr<PodWorker> worker;
    {
      const std::lock_guard lock(mutex_);
      const auto found = workers_.find(before->metadata.uid);
      if (found == workers_.end()) return;
      worker = found->second;
      if (worker->stopped()) workers_.erase(found);
    }
    worker->removed();
  }
  if (after) take(after, false);
}

void PodManager::take(const PodRef& pod, bool orphan) {
  const std::string& uid = pod->metadata.uid;
  std::shared_ptr<PodWorker> worker;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    auto& entry = workers_[uid];
    if (entry && orphan) return;
    if (!entry) {
      const std::string key = client::Informer<core::Pod>::key_of(*pod);
      entry = std::make_shared<PodWorker>(context_, pod, [this, uid, key] {
        context_.executor.post([this, uid, key] { ended(uid, key); });
      });
    }
    worker = entry;
  }
  if (orphan)
    worker->removed();
  else
    worker->update(pod);
}

// A worker that has ended stays, idle, as long as the API has its pod, so that late news of it does
// not make another one.
void PodManager::ended(const std::string& uid, const std::string& key) {
  const auto pod = pods_.get(key);
  if (pod && pod->metadata.uid == uid) return;
  const std::lock_guard lock(mutex_);
  workers_.erase(uid);
}

void PodManager::wake(const std::string& pod_uid) {
  std::shared_ptr<PodWorker> worker;
  {
    const std::lock_guard lock(mutex_);
    const auto found = workers_.find(pod_uid);
    if (found == workers_.end()) return;
    worker = found->second;
  }
  worker->wake();
}

void PodManager::runtime_event(const std::string& id) {
  if (id.empty()) {
    {
      const std::lock_guard lock(mutex_);
      missed_events_ = true;
      if (!begun_) return;
    }
    return auditor_.wake();
  }
  const auto workers = this->workers();
  for (const auto& [uid, worker] : workers) {
    if (worker->ended(id)) return;
  }
  for (const auto& [uid, worker] : workers) worker->ended_unknown(id);
}

PodManager::Workers PodManager::workers() const {
  const std::lock_guard lock(mutex_);
  return workers_;
}

bool PodManager::known(std::string_view uid) const {
  const std::lock_guard lock(mutex_);
  return workers_.contains(uid);
}

Duration PodManager::audit() {
  bool gap = false;
  {
    const std::lock_guard lock(mutex_);
    gap = std::exchange(missed_events_, false);
  }
  const auto sandboxes = context_.runtime.list_sandboxes({});
  const auto containers = context_.runtime.list_containers({});
  if (!sandboxes || !containers) {
    log::warning("cannot list what the runtime has",
                 {{"error", (sandboxes ? containers.error() : sandboxes.error()).message}});
    return kAuditAfterGap;
  }
  std::map<std::string, Glance> seen;
  std::map<std::string, std::shared_ptr<core::Pod>> traces;
  const auto note = [&](const cri::Labels& labels, const std::string& id, int state) {
    const std::string uid = label(labels, kPodUidLabel);
    if (uid.empty()) return;
    seen[uid][id] = state;
    if (!traces.contains(uid)) traces[uid] = pod_of(labels);
  };
  for (const auto& sandbox : *sandboxes) note(sandbox.labels, sandbox.id, glance_of(sandbox));
  for (const auto& container : *containers) {
    note(container.labels, container.id, glance_of(container.state));
    const auto trace = traces.find(label(container.labels, kPodUidLabel));
    const auto grace = parse_int(label(container.annotations, kGraceAnnotation));
    if (grace && trace != traces.end()) {
      trace->second->spec.termination_grace_period_seconds = *grace;
    }
  }
  const auto workers = this->workers();
  for (const auto& [uid, worker] : workers) worker->compare(seen[uid]);
  for (const auto& [uid, pod] : traces) {
    if (known(uid)) continue;
    log::info("a pod is no longer in the API; it is ended", {{"pod", pod->metadata.name}});
    take(pod, true);
  }
  remove_leftovers({context_.volumes.dirs(), context_.node.log_root, context_.node.cgroup_root},
                   [this](std::string_view uid) { return known(uid); });
  count(workers);
  return gap ? kAuditAfterGap : kAuditPeriod;
}

void PodManager::count(const Workers& workers) {
  int running = 0;
  for (const auto& [uid, worker] : workers) running += worker->pod()->status.phase == "Running";
  running_pods_.with().set(running);
}

std::shared_ptr<const core::Pod> PodManager::find(std::string_view ns,
                                                  std::string_view name) const {
  for (const auto& [uid, worker] : workers()) {
    auto pod = worker->pod();
    if (pod->metadata.name == name && pod->metadata.namespace_ == ns && !worker->stopped()) {
      return pod;
    }
  }
  return nullptr;
}

std::vector<std::shared_ptr<const core::Pod>> PodManager::all() const {
  std::vector<std::shared_ptr<const core::Pod>> out;
  for (const auto& [uid, worker] : workers()) {
    if (!worker->stopped()) out.push_back(worker->pod());
  }
  return out;
}

}  // namespace pinnace::kubelet
