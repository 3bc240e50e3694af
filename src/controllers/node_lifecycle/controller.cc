#include "controllers/node_lifecycle/controller.h"

#include "controllers/informers.h"
#include "controllers/node_lifecycle/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/pod_writes.h"

namespace pinnace::controllers {
namespace {

using node_lifecycle::Health;
using node_lifecycle::Node;

constexpr std::string_view kName = "node-controller";

std::string zone_of(const Node& node) {
  const auto region = node.metadata.labels.find("topology.kubernetes.io/region");
  const auto zone = node.metadata.labels.find("topology.kubernetes.io/zone");
  return (region == node.metadata.labels.end() ? "" : region->second) + '/' +
         (zone == node.metadata.labels.end() ? "" : zone->second);
}

class NodeLifecycleController : public Controller {
 public:
  explicit NodeLifecycleController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        worker_(context, kName, [this](const auto& key) { return sync(key); }),
        ticker_(context.executor, context.settings.node_monitor_period, [this] { monitor(); }) {
    context.informers.nodes.on_transition([this](const auto& before, const auto& after) {
      const std::string& name = (after ? after : before)->metadata.name;
      if (!before) tell(*after, "RegisteredNode", "Registered Node " + name + " in Controller");
      if (!after) tell(*before, "RemovingNode", "Removing Node " + name + " from Controller");
      if (!after)
        fallen_.erase(name);
      else if (before && node_lifecycle::readiness(*before) == "True" &&
               node_lifecycle::readiness(*after) != "True")
        fallen_.insert(name);
      worker_.add(name);
    });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.nodes); });
    monitor();
    ticker_.start();
  }

 private:
  struct Zone {
    std::size_t ready = 0, not_ready = 0;
    WallTime next_eviction{};
  };

  void tell(const Node& node, std::string_view reason, const std::string& what) {
    events_.record(client::make_reference(node), "Normal", reason,
                   "Node " + node.metadata.name + " event: " + what);
  }

  // Looks at every heartbeat; nodes that fell silent, or wait for their zone, get a turn.
  void monitor() {
    const WallTime now = context_.now();
    for (auto& [name, zone] : zones_) zone.ready = zone.not_ready = 0;
    std::size_t ready = 0;
    const auto& nodes = context_.informers.nodes.all();
    for (const auto& [name, node] : nodes) {
      const auto lease = context_.informers.node_leases.get("kube-node-lease/" + name);
      const auto known = healths_.find(name);
      const auto health = node_lifecycle::observe(
          known == healths_.end() ? std::nullopt : std::optional(known->second), *node, lease.get(),
          now);
      healths_[name] = health;
      auto& zone = zones_[zone_of(*node)];
      const bool is_ready = node_lifecycle::readiness(*node) == "True";
      ++(is_ready ? zone.ready : zone.not_ready);
      if (is_ready) ++ready;
      if (!is_ready || node_lifecycle::is_silent(health, context_.settings, now)) worker_.add(name);
    }
    std::erase_if(healths_, [&](const auto& entry) { return !nodes.contains(entry.first); });
    const bool halted = ready == 0 && !nodes.empty();
    if (halted_ && !halted) {
      // Nobody could be heard and now somebody can: each silent node has its grace again.
      for (auto& [name, health] : healths_) health.seen = now;
    }
    halted_ = halted;
  }

  Result<void> sync(const std::string& key) {
    const auto found = context_.informers.nodes.get(key);
    if (!found || !found->metadata.deletion_timestamp.is_zero()) return {};
    Node node = *found;
    const WallTime now = context_.now();
    const auto health = healths_.find(key);
    const bool is_known = health != healths_.end();
    if (is_known && node_lifecycle::is_silent(health->second, context_.settings, now)) {
      if (auto marked = mark_silent(node, now); !marked) return marked;
    }
    const bool fell = fallen_.erase(key) > 0;
    if (fell || (is_known && node_lifecycle::readiness(node) == "Unknown")) {
      if (auto marked = mark_pods_not_ready(node, now); !marked) {
        if (fell) fallen_.insert(key);
        return marked;
      }
    }
    return write_taints(node, now);
  }

  Result<void> mark_silent(Node& node, WallTime now) {
    auto conditions = node_lifecycle::plan_conditions(node, now);
    if (!conditions) return {};
    const bool was_ready = node_lifecycle::readiness(node) == "True";
    node.status.conditions = std::move(*conditions);
    auto written = context_.api.update_status(node);
    if (!written) return unless_gone(written);
    node = std::move(*written);
    if (was_ready) {
      auto reference = client::make_reference(node);
      events_.record(reference, "Normal", "NodeNotReady",
                     "Node " + node.metadata.name + " status is now: NodeNotReady");
    }
    return {};
  }

  // Nobody on that node can say so any more: its pods are not ready.
  Result<void> mark_pods_not_ready(const Node& node, WallTime now) {
    auto pods = context_.informers.pods_by_node.in(node.metadata.name);
    std::erase_if(pods, [](const PodRef& pod) { return !is_ready(*pod) || is_finished(*pod); });
    Result<void> outcome;
    client::Fibers::in_parallel(pods.size(), [&](std::size_t i) {
      core_v1::PodCondition condition = *find_condition(*pods[i], "Ready");
      condition.status = "False";
      auto patched = patch_condition(context_.api, *pods[i], condition, now);
      if (!patched && outcome) outcome = std::move(patched);
      events_.record(client::make_reference(*pods[i]), "Warning", "NodeNotReady",
                     "Node is not ready");
    });
    return outcome;
  }

  Result<void> write_taints(Node& node, WallTime now) {
    auto& zone = zones_[zone_of(node)];
    const auto gap = node_lifecycle::eviction_gap(
        node_lifecycle::disruption_of(zone.ready, zone.not_ready), zone.ready + zone.not_ready);
    const bool may_evict = gap && zone.next_eviction <= now;
    auto plan = node_lifecycle::plan_taints(node, may_evict, halted_, now);
    if (!plan.changed) return {};
    // Before the write, which others of this zone do not wait for.
    if (plan.evicts && gap) zone.next_eviction = now + *gap;
    node.spec.taints = std::move(plan.taints);
    return unless_gone(context_.api.update(node));
  }

  Context& context_;
  client::EventRecorder events_;
  std::map<std::string, Health> healths_;
  std::map<std::string, Zone> zones_;
  std::set<std::string> fallen_;  // Nodes that were ready and are not: their pods are not either.
  bool halted_ = true;            // Until a node has been seen ready.
  Worker worker_;
  Ticker ticker_;
};

}  // namespace

std::unique_ptr<Controller> make_node_lifecycle_controller(Context& context) {
  return std::make_unique<NodeLifecycleController>(context);
}

}  // namespace pinnace::controllers
