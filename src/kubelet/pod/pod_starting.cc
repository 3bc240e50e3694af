// The half of PodWorker that brings a pod up: sandbox, volumes, images, containers and hooks.
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "kubelet/pod/container_starter.h"
#include "kubelet/pod/hooks.h"
#include "kubelet/pod/pod_worker.h"
#include "kubelet/pod/pull_secrets.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::chrono::minutes kHookLimit{30};
// For an image that is not to be pulled: someone may load it.
constexpr seconds kImageRetry{10};
constexpr std::size_t kKeptDead = 1;  // Ended containers besides the newest, for `logs --previous`.

// The log file and those that were rotated out of it.
void remove_logs(const std::string& log_path) {
  namespace fs = std::filesystem;
  if (log_path.empty()) return;
  const fs::path path(log_path);
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), failed)) {
    if (entry.path().filename().string().starts_with(path.filename().string())) {
      unlink(entry.path().c_str());
    }
  }
}

}  // namespace

std::optional<Volumes::Paths> PodWorker::prepare_volumes(const PodRef& pod, const PodState& state) {
  auto made = context_.volumes.prepare(*pod, pod_facts(context_, state.ips));
  if (made) {
    volume_failures_ = 0;
    return std::move(*made);
  }
  const auto& failure = made.error();
  if (failure.error.code != 503) {
    context_.events(reference_to(*pod), kWarning, "FailedMount",
                    "MountVolume.SetUp failed for volume \"" + failure.volume +
                        "\" : " + failure.error.message);
  }
  look_again(doubling(milliseconds(500), ++volume_failures_, std::chrono::minutes(2)));
  return std::nullopt;
}

bool PodWorker::create_sandbox(const PodRef& pod, const Plan& plan, PodState& state) {
  // What the volumes need may be missing: say so before a sandbox is made in vain.
  if (!prepare_volumes(pod, state)) return false;
  const auto config = sandbox_config(*pod, plan.sandbox_attempt, context_.node);
  auto failed = [&](const Error& error) {
    context_.events(reference_to(*pod), kWarning, "FailedCreatePodSandBox",
                    "Failed to create pod sandbox: " + error.message);
    look_again(doubling(seconds(1), ++sandbox_failures_, seconds(60)));
    return false;
  };
  if (auto made = prepare_sandbox_host(context_, *pod, config); !made) return failed(made.error());
  if (auto id = context_.runtime.run_sandbox(config); !id) return failed(id.error());
  sandbox_failures_ = 0;
  return true;
}

ImagePuller::Outcome PodWorker::pull_image(const core::Pod& pod,
                                           const core::Container& container) const {
  std::vector<std::shared_ptr<const core::Secret>> secrets;
  for (const auto& reference : pod.spec.image_pull_secrets) {
    // One that cannot be read does not stand in the way: the image may be public.
    auto secret = context_.volumes.secrets().get(pod.metadata.namespace_, reference.name);
    if (secret) secrets.push_back(std::move(*secret));
  }
  const auto credentials = find_credentials(secrets, container.image);
  return context_.puller.pull(pod, container, credentials ? &*credentials : nullptr);
}

std::optional<ImagePuller::Outcome> PodWorker::image_for(const PodRef& pod,
                                                         const core::Container& container) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = pulls_.find(container.name);
    if (found != pulls_.end()) {
      if (!found->second->done) return std::nullopt;
      auto outcome = std::move(found->second->outcome);
      pulls_.erase(found);
      return outcome;
    }
  }
  if (auto known = context_.puller.look(*pod, container)) return known;
  auto pull = std::make_shared<Pull>();
  {
    const std::lock_guard lock(mutex_);
    pulls_[container.name] = pull;
  }
  context_.slow_pool.submit([self = shared_from_this(), pull, pod, container] {
    auto outcome = self->pull_image(*pod, container);
    {
      const std::lock_guard lock(self->mutex_);
      pull->outcome = std::move(outcome);
      pull->done = true;
    }
    self->wake();
  });
  return std::nullopt;
}

bool PodWorker::start(const PodRef& pod, const StartContainer& action, const PodState& state,
                      const Volumes::Paths& volumes) {
  const auto& container = action.container;
  const std::string image_key = container.name + '/' + container.image;
  if (const auto at = retry_image_at_.find(image_key);
      at != retry_image_at_.end() && context_.clock.monotonic() < at->second) {
    return false;
  }
  const auto image = image_for(pod, container);
  if (!image) return false;
  if (image->image_ref.empty()) {
    const Duration wait = image->retry_after.value_or(kImageRetry);
    retry_image_at_[image_key] = context_.clock.monotonic() + wait;
    note_waiting(image->waiting);
    look_again(wait);
    return false;
  }
  retry_image_at_.erase(image_key);
  if (!action.backoff_key.empty()) {
    context_.crashes.next(action.backoff_key, action.last_finished, context_.clock.wall());
  }
  told_back_off_.erase(container.name);
  const auto& sandbox = state.sandboxes.front();
  const auto config = sandbox_config(*pod, sandbox.attempt, context_.node);
  const auto ips = pod->spec.host_network ? std::vector{context_.node_ip} : state.ips;
  const auto outcome =
      start_container(context_, {*pod, action, sandbox.id, config, ips, volumes, *image});
  if (!outcome.waiting) {
    std::erase_if(waiting_, [&](const auto& each) { return each.container == container.name; });
    if (container.lifecycle && container.lifecycle->post_start) {
      run_post_start(pod, container, outcome.id, ips.empty() ? context_.node_ip : ips.front());
    }
    return true;
  }
  note_waiting(*outcome.waiting);
  // What never became a container has no back-off of its own.
  if (outcome.id.empty()) look_again(seconds(10));
  return !outcome.id.empty();
}

void PodWorker::run_post_start(const PodRef& pod, const core::Container& container,
                               const std::string& id, const std::string& ip) {
  {
    const std::lock_guard lock(mutex_);
    hooks_[id] = {};
  }
  context_.slow_pool.submit([self = shared_from_this(), pod, container, id, ip] {
    const auto done =
        run_hook(self->context_.runtime, self->context_.http, *container.lifecycle->post_start,
                 container, id, ip, kHookLimit, self->context_.stopping);
    {
      const std::lock_guard lock(self->mutex_);
      if (done)
        self->hooks_.erase(id);
      else
        self->hooks_[id] = {true, done.error().message};
    }
    self->wake();
  });
}

bool PodWorker::any_hook_runs() const {
  const std::lock_guard lock(mutex_);
  return std::ranges::any_of(hooks_, [](const auto& item) { return !item.second.done; });
}

bool PodWorker::hook_runs(const std::string& container_id) const {
  const std::lock_guard lock(mutex_);
  return hooks_.contains(container_id);
}

void PodWorker::end_failed_hooks(const PodRef& pod, const PodState& state) {
  std::map<std::string, Hook> failed;
  {
    const std::lock_guard lock(mutex_);
    for (auto it = hooks_.begin(); it != hooks_.end();) {
      if (!it->second.done) {
        ++it;
        continue;
      }
      failed.insert(*it);
      it = hooks_.erase(it);
    }
  }
  for (const auto& record : state.containers) {
    const auto hook = failed.find(record.status.id);
    if (hook == failed.end()) continue;
    const auto container = find_container(*pod, record.status.name);
    context_.events(reference_to(*pod, container ? &*container : nullptr), kWarning,
                    "FailedPostStartHook", "PostStartHook failed: " + hook->second.failure);
    note_waiting({record.status.name, "PostStartHookError", hook->second.failure});
    if (!record.running()) continue;
    kill(pod, record, pod->spec.termination_grace_period_seconds.value_or(30),
         "FailedPostStartHook");
  }
}

// Removes ended containers but for the newest of each name and one before it, and sandboxes that
// are empty then.
void PodWorker::collect_dead(const PodState& state) {
  std::map<std::string, std::size_t> dead;
  std::set<std::string> used;
  for (const auto& record : state.containers) {  // The newest first.
    const auto& status = record.status;
    const bool newest = state.latest(status.name) == &record;
    const bool kept = newest || record.running() || dead[status.name]++ < kKeptDead;
    if (!kept && context_.runtime.remove_container(status.id))
      remove_logs(status.log_path);
    else
      used.insert(record.sandbox_id);
  }
  for (const auto& sandbox : state.sandboxes) {
    if (sandbox.ready || used.contains(sandbox.id) || &sandbox == &state.sandboxes.front())
      continue;
    (void)context_.runtime.remove_sandbox(sandbox.id);
  }
}

}  // namespace pinnace::kubelet
