#include "scheduler/scheduler.h"

#include <algorithm>

#include "base/log.h"
#include "client/informer.h"
#include "client/pod_trim.h"
#include "scheduler/node_cache.h"
#include "scheduler/plugins.h"
#include "scheduler/queue.h"
#include "scheduler/schedule.h"
#include "scheduler/writes.h"

namespace pinnace::scheduler {
namespace {

using api::core_v1::Namespace;
using api::core_v1::Node;
using api::core_v1::PersistentVolumeClaim;
using api::core_v1::Pod;

constexpr std::string_view kName = "default-scheduler";
constexpr std::size_t kMaxBindings = 128;

bool is_finished(const Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
}
bool is_leaving(const Pod& pod) { return !pod.metadata.deletion_timestamp.is_zero(); }
bool is_placed(const PodRef& pod) {
  return pod && !pod->spec.node_name.empty() && !is_finished(*pod);
}
// Ours to find a node for.
bool is_pending(const PodRef& pod) {
  return pod && pod->spec.node_name.empty() && !is_finished(*pod) && !is_leaving(*pod) &&
         pod->spec.scheduler_name == kName && pod->spec.scheduling_gates.empty();
}
// A heartbeat changes nothing that a pod could wait for.
bool concerns_pods(const Node& before, const Node& after) {
  return before.spec.unschedulable != after.spec.unschedulable ||
         before.spec.taints != after.spec.taints ||
         before.metadata.labels != after.metadata.labels ||
         before.status.allocatable != after.status.allocatable;
}

}  // namespace

struct Scheduler::State : std::enable_shared_from_this<State> {
  explicit State(const Options& options)
      : executor(options.executor),
        rng(options.rng),
        writes(options.api, options.executor, options.rng),
        pods(options.api, options.executor, {}, client::trim_pod),
        nodes(options.api, options.executor),
        namespaces(options.api, options.executor),
        claims(options.api, options.executor) {
    if (options.metrics == nullptr) return;
    attempts = &options.metrics->counter("scheduler_schedule_attempts_total",
                                         "Number of attempts to schedule pods, by the result.",
                                         {"result", "profile"});
    pending = &options.metrics->gauge("scheduler_pending_pods", "Number of pods that wait.");
  }

  void start();
  void stop();
  template <typename Visit>
  void for_each_informer(Visit visit) {
    // Pods last: by then what they ask for is known.
    visit(namespaces);
    visit(nodes);
    visit(claims);
    visit(pods);
  }
  MonotonicTime now() const { return executor.clock().monotonic(); }

  void node_changed(const NodeRef& before, const NodeRef& after);
  void pod_changed(const PodRef& before, const PodRef& after);
  void pod_pending(const PodRef& before, const PodRef& after);
  void forget(const PodRef& pod);

  void wake(std::uint32_t event) {
    queue.wake(event, now());
    pump();
  }
  void pump();
  void decide_one();
  void decide(QueuedPod queued);
  void bind(QueuedPod queued, const std::string& node);
  void bound(QueuedPod queued, const std::string& node, const Result<void>& done);
  void no_place(QueuedPod queued, const Decision& decision);
  Preemption make_room(const PodInfo& pod, const Decision& decision);
  void count(const char* result) {
    if (attempts != nullptr) attempts->with({result, std::string(kName)}).add();
    if (pending != nullptr) pending->with().set(static_cast<double>(queue.size()));
  }

  Executor& executor;
  Rng& rng;
  Writes writes;
  NodeCache cache;
  SchedulingQueue queue;
  std::size_t bindings = 0;  // under way
  std::size_t search_start = 0;
  std::size_t unsynced = 0;  // informers whose first list is not complete
  bool posted = false, stopped = false;
  Executor::TimerId timer = 0;
  metrics::Family<metrics::Series>* attempts = nullptr;
  metrics::Family<metrics::Series>* pending = nullptr;

  client::Informer<Pod> pods;
  client::Informer<Node> nodes;
  client::Informer<Namespace> namespaces;
  client::Informer<PersistentVolumeClaim> claims;
};

void Scheduler::State::start() {
  pods.on_transition(
      [this](const PodRef& before, const PodRef& after) { pod_changed(before, after); });
  nodes.on_transition(
      [this](const NodeRef& before, const NodeRef& after) { node_changed(before, after); });
  namespaces.on_transition([this](const auto& before, const auto& after) {
    const auto& name = (after ? after : before)->metadata.name;
    cache.set_namespace(name, after ? std::optional(after->metadata.labels) : std::nullopt);
    if (before && after && before->metadata.labels != after->metadata.labels) wake(kPodPlaced);
  });
  claims.on_transition([this](const auto& before, const auto& after) {
    cache.set_claim(client::Informer<PersistentVolumeClaim>::key_of(after ? *after : *before),
                    after ? std::optional(after->status.phase == "Bound") : std::nullopt);
    wake(kClaimChanged);
  });
  for_each_informer([this](auto& informer) {
    ++unsynced;
    informer.on_synced([this] {
      if (--unsynced == 0) pump();
    });
  });
  for_each_informer([](auto& informer) { informer.start(); });
}

void Scheduler::State::stop() {
  stopped = true;
  for_each_informer([](auto& informer) { informer.stop(); });
  if (timer != 0) executor.cancel(timer);
}

void Scheduler::State::node_changed(const NodeRef& before, const NodeRef& after) {
  cache.set_node((after ? after : before)->metadata.name, after);
  if (!after) return;
  if (!before)
    wake(kNodeAdded);
  else if (concerns_pods(*before, *after))
    wake(kNodeChanged);
}

void Scheduler::State::pod_changed(const PodRef& before, const PodRef& after) {
  if (before && (!after || before->metadata.uid != after->metadata.uid)) {
    forget(before);
    if (after) pod_changed(nullptr, after);
    return;
  }
  if (is_placed(after)) {
    const auto info = std::make_shared<const PodInfo>(after);
    const bool is_new = !is_placed(before);
    queue.remove(info->uid());
    cache.set_pod(info);
    if (is_new || before->metadata.labels != after->metadata.labels)
      wake(kPodPlaced);
    else if (before->spec.containers != after->spec.containers)
      wake(kPodGone);  // Resized.
  } else if (is_pending(after)) {
    pod_pending(before, after);
  } else {
    forget(after);
  }
}

void Scheduler::State::pod_pending(const PodRef& before, const PodRef& after) {
  const std::string& uid = after->metadata.uid;
  if (cache.is_assumed(uid)) return;  // Its binding is under way.
  const auto info = std::make_shared<const PodInfo>(after);
  const std::string& nominated = after->status.nominated_node_name;
  if (!nominated.empty() && !cache.nominated().contains(uid)) cache.nominate(info, nominated);
  const bool may_help = !is_pending(before) || before->spec != after->spec ||
                        before->metadata.labels != after->metadata.labels;
  if (queue.contains(uid) && !may_help)
    queue.update(info);
  else
    queue.add(info, now());
  pump();
}

// Gone, finished, or not for us (any more).
void Scheduler::State::forget(const PodRef& pod) {
  const std::string& uid = pod->metadata.uid;
  queue.remove(uid);
  const bool counted = cache.is_counted(uid);
  cache.remove_pod(uid);
  if (counted) wake(kPodGone);
}

// Decides one pod after another, each in a turn of its own so that other work gets on; sleeps until
// the next back-off ends when none is ready.
void Scheduler::State::pump() {
  if (unsynced != 0 || posted || stopped || bindings >= kMaxBindings) return;
  if (queue.any_ready(now())) {
    posted = true;
    executor.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->decide_one();
    });
    return;
  }
  if (timer != 0) executor.cancel(std::exchange(timer, 0));
  const auto next = queue.next_time();
  if (!next) return;
  timer = executor.schedule_after(*next - now(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->timer = 0;
    self->pump();
  });
}

void Scheduler::State::decide_one() {
  posted = false;
  if (stopped) return;
  if (auto queued = queue.pop(now())) decide(std::move(*queued));
  pump();
}

void Scheduler::State::decide(QueuedPod queued) {
  const Decision decision = schedule(cache, *queued.pod, rng, search_start);
  count(decision.node.empty() ? "unschedulable" : "scheduled");
  if (decision.node.empty())
    no_place(std::move(queued), decision);
  else
    bind(std::move(queued), decision.node);
}

void Scheduler::State::bind(QueuedPod queued, const std::string& node) {
  const PodInfoRef pod = queued.pod;
  cache.assume(pod, node);
  ++bindings;
  writes.bind(
      pod, node,
      [weak = weak_from_this(), queued = std::move(queued), node](const Result<void>& done) {
        const auto self = weak.lock();
        if (self && !self->stopped) self->bound(queued, node, done);
      });
}

void Scheduler::State::bound(QueuedPod queued, const std::string& node, const Result<void>& done) {
  --bindings;
  if (done) {
    writes.report_bound(*queued.pod, node);
    return pump();
  }
  if (cache.is_assumed(queued.pod->uid())) {
    cache.remove_pod(queued.pod->uid());
    queue.wake(kPodGone, now());
    // Again, as the API has it now; the informer tells if somebody else placed it.
    const auto current = pods.get(queued.pod->key());
    if (is_pending(current) && current->metadata.uid == queued.pod->uid()) {
      writes.report_refused(*queued.pod, done.error().message);
      queued.pod = std::make_shared<const PodInfo>(current);
      queue.retry(std::move(queued), now());
    }
  }
  pump();
}

void Scheduler::State::no_place(QueuedPod queued, const Decision& decision) {
  const PodInfo& pod = *queued.pod;
  const Preemption room = make_room(pod, decision);
  std::string message = decision.message();
  if (!room.message.empty()) message += ' ' + room.message;
  if (!room.node.empty()) {
    // What was promised there to a pod of lower priority is not kept.
    std::vector<PodInfoRef> passed_over;
    for (const auto& [uid, nomination] : cache.nominated()) {
      if (nomination.node == room.node && nomination.pod->priority < pod.priority) {
        passed_over.push_back(nomination.pod);
      }
    }
    for (const auto& other : passed_over) {
      cache.forget_nomination(other->uid());
      writes.clear_nomination(*other);
    }
    cache.nominate(queued.pod, room.node);
  }
  writes.report_waiting(pod, message, room.node);
  writes.preempt(pod, room.node, room.victims);
  queue.put_back(std::move(queued), decision.wakes, now());
}

Preemption Scheduler::State::make_room(const PodInfo& pod, const Decision& decision) {
  const auto nomination = cache.nominated().find(pod.uid());
  if (nomination != cache.nominated().end()) {
    const auto node = cache.nodes().find(nomination->second.node);
    const bool waits =
        node != cache.nodes().end() &&
        std::ranges::any_of(node->second.pods, [&](const auto& entry) {
          return entry.second->priority < pod.priority && is_leaving(*entry.second->pod);
        });
    if (waits) {
      return {
          .node = {},
          .victims = {},
          .message = "preemption: not eligible due to a terminating pod on the nominated node."};
    }
  }
  return plan_preemption(cache, pod, decision);
}

Scheduler::Scheduler(Options options) : options_(options) {}
Scheduler::~Scheduler() { stop(); }

void Scheduler::start() {
  if (state_) return;
  state_ = std::make_shared<State>(options_);
  state_->start();
}

void Scheduler::stop() {
  if (!state_) return;
  state_->stop();
  state_.reset();
}

}  // namespace pinnace::scheduler
