#include "kubelet/pod/pod_worker.h"

#include <algorithm>

#include "base/log.h"

namespace pinnace::kubelet {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kEventPause{15};  // Between looks for what an event has told.
constexpr seconds kEventPatience{5};
constexpr int kMaxRounds = 12;  // One for each init container and some; more come a moment later.

}  // namespace

Duration doubling(Duration first, int failures, Duration longest) {
  Duration delay = first;
  for (int i = 1; i < failures && delay < longest; ++i) delay *= 2;
  return std::min(delay, longest);
}

PodWorker::PodWorker(const PodContext& context, PodRef pod, std::function<void()> done)
    : context_(context), done_(std::move(done)), pod_(std::move(pod)) {
  // What had ended for good before the agent started does not begin anew.
  finished_ = pod_->status.phase == "Succeeded" || pod_->status.phase == "Failed";
}

PodWorker::PodRef PodWorker::pod() const {
  const std::lock_guard lock(mutex_);
  return newest(pod_);
}

void PodWorker::update(PodRef pod) {
  {
    const std::lock_guard lock(mutex_);
    pod_ = std::move(pod);
  }
  wake();
}

void PodWorker::removed() {
  {
    const std::lock_guard lock(mutex_);
    removed_ = true;
  }
  wake();
}

void PodWorker::stop() {
  const std::lock_guard lock(mutex_);
  stopped_ = true;
  if (timer_ != 0) context_.executor.cancel(timer_);
}

bool PodWorker::stopped() const {
  const std::lock_guard lock(mutex_);
  return stopped_;
}

bool PodWorker::ended(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!seen_.contains(id)) return false;
    ended_[id] = context_.clock.monotonic();
  }
  wake();
  return true;
}

void PodWorker::ended_unknown(const std::string& id) {
  {
    const std::lock_guard lock(mutex_);
    if (!running_) return;
    ended_[id] = context_.clock.monotonic();
  }
  wake();
}

void PodWorker::compare(const Glance& seen) {
  {
    const std::lock_guard lock(mutex_);
    if (running_ || seen == seen_) return;
  }
  wake();
}

void PodWorker::remember(const PodState& state) {
  auto seen = glance_of(state);
  const auto now = context_.clock.monotonic();
  bool is_late = false;
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(kills_, [&](const auto& item) {
      return item.second.in_flight == 0 && !seen.contains(item.first);
    });
    // The runtime itself hears of an end when we do: its lists may be a moment behind.
    std::erase_if(ended_, [&](const auto& item) {
      const auto found = seen.find(item.first);
      return found == seen.end() || !is_alive(found->second) || now - item.second > kEventPatience;
    });
    is_late = !ended_.empty();
    seen_ = std::move(seen);
  }
  if (is_late) look_again(kEventPause);
}

void PodWorker::wake() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    if (std::exchange(running_, true)) {
      again_ = true;
      return;
    }
  }
  context_.pool.submit([self = shared_from_this()] { self->run(); });
}

void PodWorker::run() {
  sync();
  {
    const std::lock_guard lock(mutex_);
    if (!std::exchange(again_, false) || stopped_) {
      running_ = false;
      return;
    }
  }
  // In line behind other pods' work.
  context_.pool.submit([self = shared_from_this()] { self->run(); });
}

void PodWorker::look_again(Duration delay) {
  const std::lock_guard lock(mutex_);
  const MonotonicTime now = context_.clock.monotonic();
  const MonotonicTime at = now + delay;
  if (stopped_ || (timer_at_ && *timer_at_ > now && *timer_at_ <= at)) return;
  if (timer_ != 0) context_.executor.cancel(timer_);
  timer_at_ = at;
  timer_ = context_.executor.schedule_after(delay, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->wake();
  });
}

void PodWorker::sync() {
  PodRef pod;
  bool removed = false;
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    pod = pod_;
    removed = removed_;
  }
  const bool ending = removed || !pod->metadata.deletion_timestamp.is_zero();
  if (cleaned_ && !ending) return;
  for (int round = 0;; ++round) {
    auto state = read_pod_state(context_.runtime, pod->metadata.uid);
    if (!state) {
      if (stopped()) return;
      log::debug("cannot read a pod's state",
                 {{"pod", pod->metadata.name}, {"error", state.error().message}});
      return look_again(seconds(1));
    }
    remember(*state);
    read_termination_messages(*state);
    if (ending || finished_ || verdict_) return sync_ending(pod, *state);
    if (sync_running(pod, *state)) return;
    if (round == kMaxRounds) return look_again(milliseconds(100));
  }
}

bool PodWorker::sync_running(const PodRef& pod, PodState& state) {
  if (!std::exchange(admitted_, true)) {
    verdict_ = context_.admission.admit(*pod, !state.sandboxes.empty());
  }
  if (!verdict_) verdict_ = deadline_verdict(*pod);
  if (verdict_) {
    context_.events(reference_to(*pod), kWarning, verdict_->reason, verdict_->message);
    return false;
  }
  if (has_finished(*pod, state)) {
    finished_ = true;
    return false;
  }
  context_.volumes.retain(*pod);
  context_.prober.update(pod, state);
  end_failed_hooks(pod, state);
  const Plan plan = plan_for(pod, state);
  for (const auto& waiting : plan.waiting) {
    note_waiting(waiting);
    tell_back_off(*pod, waiting);
  }
  if (plan.look_again) look_again(*plan.look_again + milliseconds(10));
  if (act(pod, plan, state)) return false;
  publish(pod, state, false);
  if (plan.idle() && state.ready_sandbox()) when_settled(pod, state);
  return true;
}

Plan PodWorker::plan_for(const PodRef& pod, const PodState& state) {
  const ProbeView probes{
      [this](const std::string& id) { return context_.prober.liveness(id); },
      [this](const std::string& id) { return context_.prober.startup(id); },
      [this](const std::string& id) { return !hook_runs(id) && context_.prober.started(id); }};
  return make_plan({*pod, state, context_.crashes, probes, context_.clock.wall()});
}

// True when something was done that the state will show.
bool PodWorker::act(const PodRef& pod, const Plan& plan, PodState& state) {
  const auto grace = pod->spec.termination_grace_period_seconds.value_or(30);
  if (plan.kill_sandbox) {
    const char* why = "Pod sandbox changed, it will be killed and re-created.";
    if (!end_containers(pod, state, grace, why) || !end_sandboxes(state)) return false;
  }
  if (plan.create_sandbox) return create_sandbox(pod, plan, state);
  for (const auto& action : plan.kill) {
    const auto found = std::ranges::find_if(
        state.containers, [&](const auto& record) { return record.status.id == action.id; });
    if (found == state.containers.end()) continue;
    kill(pod, *found, action.grace_seconds.value_or(grace), action.message);
  }
  // A hook's container comes before those after it.
  if (plan.start.empty() || any_hook_runs()) return false;
  const auto volumes = prepare_volumes(pod, state);
  if (!volumes) return false;
  bool changed = false;
  for (const auto& action : plan.start) {
    if (start(pod, action, state, *volumes)) changed = true;
    if (any_hook_runs()) break;
  }
  return changed;
}

void PodWorker::when_settled(const PodRef& pod, const PodState& state) {
  (void)prepare_volumes(pod, state);  // Keeps their content fresh.
  if (const auto at = context_.volumes.renew_at(pod->metadata.uid)) {
    look_again(std::max<Duration>(*at - context_.clock.wall(), seconds(1)));
  }
  collect_dead(state);
}

std::optional<Verdict> PodWorker::deadline_verdict(const core::Pod& pod) {
  const auto& limit = pod.spec.active_deadline_seconds;
  if (!limit) return std::nullopt;
  const auto begin = this->pod()->status.start_time;
  if (begin.is_zero()) {
    look_again(seconds(1));  // Once it has begun, its begin is known.
    return std::nullopt;
  }
  const Duration left = begin.value + seconds(*limit) - context_.clock.wall();
  if (left.count() > 0) {
    look_again(left);
    return std::nullopt;
  }
  return Verdict{"DeadlineExceeded",
                 "Pod was active on the node longer than the specified deadline"};
}

}  // namespace pinnace::kubelet
