#include "sim/node.h"

#include <set>

#include "api/types/coordination_v1.h"
#include "api/types/core_v1.h"
#include "base/assert.h"
#include "client/fibers.h"
#include "client/informer.h"

namespace pinnace::sim {
namespace {

using api::core_v1::Node;
using api::core_v1::Pod;
using PodRef = std::shared_ptr<const Pod>;

constexpr Duration kLeasePeriod = std::chrono::seconds(10);

}  // namespace

struct PretendNode::State : std::enable_shared_from_this<State> {
  State(const client::Client& client, Executor& e, Rng& r, Options o)
      : api(client),
        executor(e),
        rng(r),
        options(std::move(o)),
        fibers(std::in_place, e),
        pods(client, e, {.field_selector = "spec.nodeName=" + options.name}) {}

  void start();
  void in_fiber(void (State::*work)()) {
    if (fibers) fibers->run([this, work] { (this->*work)(); });
  }
  template <typename Work>
  void later(Work work) {
    // Between a tenth of a second and two.
    const Duration delay = std::chrono::milliseconds(100 + rng.below(1900));
    executor.schedule_after(delay, [weak = weak_from_this(), work = std::move(work)] {
      const auto self = weak.lock();
      if (self && self->fibers) self->fibers->run(work);
    });
  }
  void register_node();
  void renew();
  void pod_changed(const PodRef& before, const PodRef& after);
  void run_pod(const PodRef& pod);

  const client::Client& api;
  Executor& executor;
  Rng& rng;
  const Options options;
  std::optional<client::Fibers> fibers;
  std::set<std::string> started, ending;  // by pod uid
  int last_address = 1;
  client::Informer<Pod> pods;
};

void PretendNode::State::start() {
  pods.on_transition(
      [this](const PodRef& before, const PodRef& after) { pod_changed(before, after); });
  pods.start();
  in_fiber(&State::register_node);
}

void PretendNode::State::register_node() {
  const std::string now = rfc3339(executor.clock().wall());
  const std::string size = R"({"cpu":")" + options.cpu + R"(","memory":"32Gi","pods":"110"})";
  auto node = api::from_json<Node>(
      R"({"metadata":{"name":")" + options.name + R"(","labels":{"kubernetes.io/hostname":")" +
      options.name + '"' + (options.labels.empty() ? "" : ",") + options.labels +
      R"(}},"spec":{"taints":[)" + options.taints + R"(]},"status":{"capacity":)" + size +
      R"(,"allocatable":)" + size + R"(,"conditions":[{"type":"Ready","status":"True",
        "reason":"KubeletReady","lastHeartbeatTime":")" +
      now + R"(","lastTransitionTime":")" + now + R"("}]}})");
  PINNACE_ASSERT(node.has_value());
  auto made = api.create(*node);
  PINNACE_ASSERT(made.has_value());
  made->status = node->status;
  PINNACE_ASSERT(api.update_status(*made).has_value());
  renew();
}

void PretendNode::State::renew() {
  using api::coordination_v1::Lease;
  auto lease = api.get<Lease>("kube-node-lease", options.name);
  const bool is_new = !lease;
  if (is_new) lease = Lease{};
  lease->metadata.name = options.name;
  lease->metadata.namespace_ = "kube-node-lease";
  lease->spec.holder_identity = options.name;
  lease->spec.renew_time = api::Time{executor.clock().wall()};
  (void)(is_new ? api.create(*lease) : api.update(*lease));
  executor.schedule_after(kLeasePeriod, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->in_fiber(&State::renew);
  });
}

void PretendNode::State::pod_changed(const PodRef&, const PodRef& after) {
  if (!after) return;
  const std::string& uid = after->metadata.uid;
  if (!after->metadata.deletion_timestamp.is_zero()) {
    if (!ending.insert(uid).second) return;
    return later([this, after] {
      (void)api.remove<Pod>(after->metadata.namespace_, after->metadata.name,
                            {.grace_period_seconds = 0, .uid = after->metadata.uid});
    });
  }
  if (started.insert(uid).second) later([this, after] { run_pod(after); });
}

void PretendNode::State::run_pod(const PodRef& pod) {
  const bool broken = pod->spec.containers[0].image.find("broken") != std::string::npos;
  const std::string now = rfc3339(executor.clock().wall());
  const std::string ip =
      "10.244." + std::to_string(options.number) + '.' + std::to_string(++last_address);
  (void)api.patch<Pod>(
      pod->metadata.namespace_, pod->metadata.name, client::PatchType::kStrategicMerge,
      R"({"metadata":{"uid":")" + pod->metadata.uid + R"("},"status":{"phase":")" +
          (broken ? "Pending" : "Running") + R"(","podIP":")" + ip + R"(","podIPs":[{"ip":")" + ip +
          R"("}],"startTime":")" + now + R"(","conditions":[{"type":"Ready","status":")" +
          (broken ? "False" : "True") + R"(","lastTransitionTime":")" + now + R"("}]}})",
      "status");
}

PretendNode::PretendNode(const client::Client& api, Executor& executor, Rng& rng, Options options)
    : state_(std::make_shared<State>(api, executor, rng, std::move(options))) {
  state_->start();
}
PretendNode::~PretendNode() { die(); }

const std::string& PretendNode::name() const { return state_->options.name; }

void PretendNode::die() {
  state_->pods.stop();
  state_->fibers.reset();
}

}  // namespace pinnace::sim
