#include "controllers/pod_gc/controller.h"

#include <algorithm>
#include <map>

#include "base/log.h"
#include "controllers/informers.h"
#include "controllers/pod_gc/plan.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"
#include "controllers/support/pod_writes.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kOutOfService = "node.kubernetes.io/out-of-service";
constexpr Duration kPeriod = std::chrono::seconds(20);
// A node's pods go when it has been missing for this long: it may be about to register again.
constexpr Duration kQuarantine = std::chrono::seconds(40);

class PodGarbageCollector : public Controller {
 public:
  explicit PodGarbageCollector(Context& context)
      : context_(context), ticker_(context.executor, kPeriod, [this] { collect(); }) {}

  void start() override { ticker_.start(); }

 private:
  void collect() {
    std::vector<PodRef> pods;
    pods.reserve(context_.informers.pods.all().size());
    for (const auto& [key, pod] : context_.informers.pods.all()) pods.push_back(pod);
    std::erase_if(missing_, [&](const auto& entry) {
      return context_.informers.nodes.get(entry.first) != nullptr;
    });
    std::map<std::string, bool> gone;
    const auto removals = pod_gc::plan_removals(
        pods, context_.settings.terminated_pod_threshold,
        [this, &gone](const std::string& node) {
          const auto [known, is_new] = gone.try_emplace(node, false);
          if (is_new) known->second = is_gone(node);
          return !known->second;
        },
        [this](const std::string& node) { return is_out_of_service(node); });
    client::Fibers::in_parallel(removals.size(), [&](std::size_t i) {
      if (auto removed = remove(removals[i]); !removed) {
        log::warning("pod could not be collected", {{"pod", key_of(removals[i].pod->metadata)},
                                                    {"error", removed.error().message}});
      }
    });
  }

  // Missing for the whole quarantine, and the server knows nothing of it either.
  bool is_gone(const std::string& node) {
    if (context_.informers.nodes.get(node)) return false;
    const auto now = context_.executor.clock().monotonic();
    const auto since = missing_.try_emplace(node, now).first->second;
    if (now - since < kQuarantine) return false;
    auto there = context_.api.get<core_v1::Node>("", node);
    return !there && there.error().is("NotFound");
  }

  bool is_out_of_service(const std::string& name) const {
    const auto node = context_.informers.nodes.get(name);
    return node && std::any_of(node->spec.taints.begin(), node->spec.taints.end(),
                               [](const auto& taint) { return taint.key == kOutOfService; });
  }

  Result<void> remove(const pod_gc::Removal& removal) {
    const auto& pod = *removal.pod;
    if (!removal.reason.empty() && !is_finished(pod)) {
      auto marked = patch_condition(context_.api, pod, disruption(removal.reason, removal.message),
                                    context_.now(), "Failed");
      if (!marked) return marked;
    }
    return unless_gone(
        context_.api.remove<core_v1::Pod>(pod.metadata.namespace_, pod.metadata.name,
                                          {.grace_period_seconds = 0, .uid = pod.metadata.uid}));
  }

  Context& context_;
  std::map<std::string, MonotonicTime> missing_;
  Ticker ticker_;
};

}  // namespace

std::unique_ptr<Controller> make_pod_garbage_collector(Context& context) {
  return std::make_unique<PodGarbageCollector>(context);
}

}  // namespace pinnace::controllers
