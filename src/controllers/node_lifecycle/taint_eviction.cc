#include <algorithm>

#include "controllers/informers.h"
#include "controllers/node_lifecycle/controller.h"
#include "controllers/node_lifecycle/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/pod_writes.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kName = "taint-eviction-controller";

bool has_no_execute(const core_v1::Node& node) {
  return std::any_of(node.spec.taints.begin(), node.spec.taints.end(),
                     [](const auto& taint) { return taint.effect == kNoExecute; });
}

// Deletes pods whose node has a NoExecute taint that they do not tolerate, or no longer.
class TaintEvictionController : public Controller {
 public:
  explicit TaintEvictionController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    context.informers.nodes.on_transition([this](const auto& before, const auto& after) {
      if (!after) return;
      if (before && before->spec.taints == after->spec.taints) return;
      if (!has_no_execute(*after) && !(before && has_no_execute(*before))) return;
      for (const auto& pod : context_.informers.pods_by_node.in(after->metadata.name)) {
        worker_.add(key_of(pod->metadata));
      }
    });
    context.informers.pods.on_transition([this](const PodRef& before, const PodRef& after) {
      const auto& pod = after ? after : before;
      if (!after) {
        since_.erase(key_of(pod->metadata));
      } else if (!before || before->spec.node_name != after->spec.node_name ||
                 !(before->spec.tolerations == after->spec.tolerations)) {
        worker_.add(key_of(pod->metadata));
      }
    });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.pods); });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto pod = context_.informers.pods.get(key);
    if (!pod || pod->spec.node_name.empty()) return {};
    const auto node = context_.informers.nodes.get(pod->spec.node_name);
    if (!node || !has_no_execute(*node)) {
      if (since_.erase(key) > 0 && !is_deleting(*pod)) {
        events_.record(client::make_reference(*pod), "Normal", "TaintManagerEviction",
                       "Cancelling deletion of Pod " + key);
      }
      return {};
    }
    if (is_deleting(*pod)) return {};
    const WallTime now = context_.now();
    const WallTime since = since_.try_emplace(key, now).first->second;
    const auto time = node_lifecycle::eviction_time(*pod, node->spec.taints, since);
    if (!time) return {};
    if (*time > now) {
      worker_.add_after(key, *time - now);
      return {};
    }
    return evict(key, *pod, now);
  }

  Result<void> evict(const std::string& key, const core_v1::Pod& pod, WallTime now) {
    events_.record(client::make_reference(pod), "Normal", "TaintManagerEviction",
                   "Marking for deletion Pod " + key);
    auto marked = patch_condition(
        context_.api, pod,
        disruption("DeletionByTaintManager", "Taint manager: deleting due to NoExecute taint"),
        now);
    if (!marked) return marked;
    return unless_gone(context_.api.remove<core_v1::Pod>(pod.metadata.namespace_, pod.metadata.name,
                                                         {.uid = pod.metadata.uid}));
  }

  Context& context_;
  client::EventRecorder events_;
  std::map<std::string, WallTime> since_;  // When a pod was first seen beside a NoExecute taint.
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_taint_eviction_controller(Context& context) {
  return std::make_unique<TaintEvictionController>(context);
}

}  // namespace pinnace::controllers
