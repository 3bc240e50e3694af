#include "controllers/node_ipam/controller.h"

#include "base/log.h"
#include "controllers/informers.h"
#include "controllers/node_ipam/plan.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"
#include "controllers/support/patches.h"

namespace pinnace::controllers {
namespace {

using core_v1::Node;

constexpr std::string_view kName = "node-ipam-controller";

class NodeIpamController : public Controller {
 public:
  explicit NodeIpamController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    auto blocks =
        node_ipam::Blocks::create(context.settings.cluster_cidr, context.settings.node_cidr_prefix);
    if (blocks)
      blocks_ = std::move(*blocks);
    else
      log::error("nodes get no pod addresses", {{"error", blocks.error().message}});
    context.informers.nodes.on_transition([this](const auto& before, const auto& after) {
      if (!blocks_) return;
      if (before && !after) blocks_->release(before->spec.pod_cidr);
      if (after) blocks_->take(after->spec.pod_cidr);
      if (after && after->spec.pod_cidr.empty()) worker_.add(after->metadata.name);
    });
  }

  // By then every node that has a block has been seen.
  void start() override {
    worker_.start([this] { return keys_of(context_.informers.nodes); }, std::chrono::minutes(10));
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto node = context_.informers.nodes.get(key);
    if (!blocks_ || !node || !node->spec.pod_cidr.empty() ||
        !node->metadata.deletion_timestamp.is_zero()) {
      return {};
    }
    const auto block = blocks_->allocate();
    if (!block) {
      events_.record(client::make_reference(*node), "Normal", "CIDRNotAvailable",
                     "Node " + key + " status is now: CIDRNotAvailable");
      return errors::unavailable("no block of pod addresses is left for node " + key);
    }
    auto patched = context_.api.patch<Node>(
        "", key, client::PatchType::kStrategicMerge,
        R"({"metadata":{"uid":)" + quoted(node->metadata.uid) + R"(,"resourceVersion":)" +
            quoted(node->metadata.resource_version) + R"(},"spec":{"podCIDR":)" + quoted(*block) +
            R"(,"podCIDRs":[)" + quoted(*block) + "]}}");
    if (patched) return {};
    // Perhaps it has one already and the informer is behind: then this is a Conflict.
    blocks_->release(*block);
    return unless_gone(patched);
  }

  Context& context_;
  std::optional<node_ipam::Blocks> blocks_;
  client::EventRecorder events_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_node_ipam_controller(Context& context) {
  return std::make_unique<NodeIpamController>(context);
}

}  // namespace pinnace::controllers
