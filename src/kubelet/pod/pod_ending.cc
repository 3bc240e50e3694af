// The half of PodWorker that ends a pod: hooks, grace, sandboxes, and what is left on the host.
#include <algorithm>
#include <thread>

#include "base/log.h"
#include "kubelet/files.h"
#include "kubelet/node/cgroup.h"
#include "kubelet/pod/hooks.h"
#include "kubelet/pod/plan.h"
#include "kubelet/pod/pod_worker.h"
#include "kubelet/pod/qos.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::seconds;

constexpr std::int64_t kLeastGrace = 2;  // For what is stopped after the grace was used up.

// Services learn that a pod goes at the same time as the agent does. A program that ends at once on
// its stop signal would still be sent connections: a pod that was Ready gets the signal a moment
// later, when traffic has gone elsewhere.
constexpr auto kDrainTime = std::chrono::milliseconds(200);

std::int64_t grace_of(const core::Pod& pod) {
  if (pod.metadata.deletion_grace_period_seconds)
    return *pod.metadata.deletion_grace_period_seconds;
  return pod.spec.termination_grace_period_seconds.value_or(30);
}

// preStop and the stop signal share the grace period. False if the container still runs.
bool stop_gracefully(const PodContext& context, const core::Pod& pod, const std::string& pod_ip,
                     const std::string& name, const std::string& id, seconds grace, bool with_hook,
                     bool drain) {
  const auto container = find_container(pod, name);
  const auto about = reference_to(pod, container ? &*container : nullptr);
  const auto begin = context.clock.monotonic();
  if (with_hook && container && container->lifecycle && container->lifecycle->pre_stop &&
      grace.count() > 0) {
    auto hooked = run_hook(context.runtime, context.http, *container->lifecycle->pre_stop,
                           *container, id, pod_ip, grace, context.stopping);
    if (!hooked) {
      context.events(about, kWarning, "FailedPreStopHook",
                     "PreStopHook failed: " + hooked.error().message);
    }
    const auto used = std::chrono::floor<seconds>(context.clock.monotonic() - begin);
    grace = std::max(grace - used, seconds(kLeastGrace));
  }
  if (drain && grace.count() > 0) std::this_thread::sleep_for(kDrainTime);
  auto stopped = context.runtime.stop_container(id, grace);
  if (stopped) return true;
  context.events(about, kWarning, "FailedKillPod", "error killing pod: " + stopped.error().message);
  return false;
}

}  // namespace

bool PodWorker::end_containers(const PodRef& pod, const PodState& state, std::int64_t grace_seconds,
                               const std::string& message) {
  std::vector<const ContainerRecord*> first;
  std::map<std::size_t, const ContainerRecord*>
      sidecars;  // By their place: the last one ends first.
  for (const auto& record : state.containers) {
    if (!record.running()) continue;
    const auto& init = pod->spec.init_containers;
    const auto found = std::ranges::find(init, record.status.name, &core::Container::name);
    if (found != init.end() && is_sidecar(*found))
      sidecars[found - init.begin()] = &record;
    else
      first.push_back(&record);
  }
  if (first.empty() && sidecars.empty()) {
    ending_since_.reset();
    return true;
  }
  const auto now = context_.clock.monotonic();
  if (!ending_since_) ending_since_ = now;
  if (first.empty()) {
    first.push_back(sidecars.rbegin()->second);
    const auto used = std::chrono::floor<seconds>(now - *ending_since_).count();
    grace_seconds = std::max(std::min(kLeastGrace, grace_seconds), grace_seconds - used);
  }
  for (const auto* record : first) {
    kill(pod, *record, grace_seconds,
         message.empty() ? "Stopping container " + record->status.name : message);
  }
  return false;
}

void PodWorker::kill(const PodRef& pod, const ContainerRecord& record, std::int64_t grace_seconds,
                     const std::string& message) {
  const std::string& id = record.status.id;
  bool first = false;
  {
    const std::lock_guard lock(mutex_);
    auto [found, is_new] = kills_.try_emplace(id, Kill{grace_seconds, 0});
    first = is_new;
    // Only a shorter grace is news for a container that is being stopped.
    if (!is_new && found->second.in_flight > 0 && grace_seconds >= found->second.grace_seconds)
      return;
    found->second.grace_seconds = grace_seconds;
    ++found->second.in_flight;
  }
  if (first) {
    const auto container = find_container(*pod, record.status.name);
    context_.events(reference_to(*pod, container ? &*container : nullptr), kNormal, "Killing",
                    message);
  }
  const auto* ready = find_condition(pod->status, "Ready");
  const bool drain =
      first && !pod->metadata.deletion_timestamp.is_zero() && ready && ready->status == "True";
  context_.slow_pool.submit([self = shared_from_this(), pod, id, name = record.status.name,
                             ip = this->pod()->status.pod_ip, grace_seconds, first, drain] {
    const bool stopped =
        stop_gracefully(self->context_, *pod, ip, name, id, seconds(grace_seconds), first, drain);
    {
      const std::lock_guard lock(self->mutex_);
      const auto found = self->kills_.find(id);
      if (found != self->kills_.end()) --found->second.in_flight;
    }
    if (stopped)
      self->wake();
    else
      self->look_again(seconds(2));
  });
}

bool PodWorker::end_sandboxes(const PodState& state) {
  for (const auto& sandbox : state.sandboxes) {
    if (!sandbox.ready) continue;
    if (auto stopped = context_.runtime.stop_sandbox(sandbox.id); !stopped) {
      log::warning("cannot stop a sandbox",
                   {{"pod", sandbox.name}, {"error", stopped.error().message}});
      look_again(seconds(2));
      return false;
    }
  }
  return true;
}

void PodWorker::sync_ending(const PodRef& pod, PodState& state) {
  bool removed = false;
  {
    const std::lock_guard lock(mutex_);
    removed = removed_;
  }
  const bool deleting = removed || !pod->metadata.deletion_timestamp.is_zero();
  if (!end_containers(pod, state, grace_of(*pod), "")) {
    if (!removed) publish(pod, state, false);
    return;
  }
  if (!end_sandboxes(state)) return;
  for (auto& sandbox : state.sandboxes) sandbox.ready = false;
  if (!removed) publish(pod, state, true);
  context_.prober.forget(pod->metadata.uid);
  context_.admission.release(pod->metadata.uid);
  if (deleting) return clean_up(pod, state);
  // A finished pod stays, with its containers' logs, until it is deleted.
  if (!cleaned_) {
    if (auto torn = context_.volumes.tear_down(pod->metadata.uid); !torn)
      return look_again(seconds(2));
    remove_cgroup(pod_cgroup(context_.node.cgroup_root, pod->spec, pod->metadata.uid));
    cleaned_ = true;
  }
}

Result<void> PodWorker::remove_from_runtime(const PodState& state) {
  for (const auto& record : state.containers) {
    if (auto gone = context_.runtime.remove_container(record.status.id); !gone) return gone;
  }
  for (const auto& sandbox : state.sandboxes) {
    if (auto gone = context_.runtime.remove_sandbox(sandbox.id); !gone) return gone;
  }
  return {};
}

void PodWorker::clean_up(const PodRef& pod, const PodState& state) {
  const auto& meta = pod->metadata;
  const auto failed = [&](const Error& error) {
    log::warning("cannot clean up after a pod", {{"pod", meta.name}, {"error", error.message}});
    look_again(seconds(2));
  };
  if (auto gone = remove_from_runtime(state); !gone) return failed(gone.error());
  if (auto torn = context_.volumes.tear_down(meta.uid); !torn) return failed(torn.error());
  if (auto gone = remove_mounted_tree(context_.volumes.pod_dir(meta.uid)); !gone) {
    return failed(gone.error());
  }
  remove_cgroup(pod_cgroup(context_.node.cgroup_root, pod->spec, meta.uid));
  (void)io::remove_tree(context_.node.log_root + '/' + log_directory_name(*pod));
  context_.crashes.forget_prefix(meta.uid + '/');
  context_.puller.forget(meta.uid);
  bool removed = false;
  {
    const std::lock_guard lock(mutex_);
    removed = removed_;
  }
  if (!removed) {
    client::DeleteOptions options;
    options.grace_period_seconds = 0;
    options.uid = meta.uid;
    auto deleted = context_.api.remove<core::Pod>(meta.namespace_, meta.name, options);
    if (!deleted && deleted.error().code != 404 && deleted.error().code != 409) {
      return failed(deleted.error());
    }
  }
  stop();
  done_();
}

}  // namespace pinnace::kubelet
