#include "controllers/endpoint_slice/controller.h"

#include "controllers/endpoint_slice/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/expectations.h"
#include "controllers/support/service_wakes.h"

namespace pinnace::controllers {
namespace {

using endpoint_slice::EndpointSlice;
using endpoint_slice::SliceRef;

constexpr std::string_view kName = "endpoint-slice-controller";

std::string label(const EndpointSlice& slice, std::string_view key) {
  const auto found = slice.metadata.labels.find(key);
  return found == slice.metadata.labels.end() ? "" : found->second;
}

class EndpointSliceController : public Controller {
 public:
  explicit EndpointSliceController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        by_service_(context.informers.endpoint_slices),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    wake_services(context.informers, worker_);
    context.informers.endpoint_slices.on_transition(
        [this](const SliceRef& before, const SliceRef& after) { slice_changed(before, after); });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.services); });
  }

 private:
  void slice_changed(const SliceRef& before, const SliceRef& after) {
    if (after) {
      expectations_.seen(after->metadata.uid, !after->metadata.deletion_timestamp.is_zero());
    } else {
      expectations_.gone(before->metadata.uid);
    }
    for (const auto& slice : {before, after}) {
      if (!slice || label(*slice, endpoint_slice::kManagedBy) != endpoint_slice::kManager) continue;
      worker_.add(slice->metadata.namespace_ + '/' + label(*slice, endpoint_slice::kServiceName));
    }
  }

  std::string zone_of(const std::string& node_name) const {
    const auto node = context_.informers.nodes.get(node_name);
    if (!node) return "";
    const auto zone = node->metadata.labels.find("topology.kubernetes.io/zone");
    return zone == node->metadata.labels.end() ? "" : zone->second;
  }

  Result<void> sync(const std::string& key) {
    const auto service = context_.informers.services.get(key);
    if (!service) {
      // Their owner is gone: the garbage collector takes the slices.
      expectations_.forget(key);
      return {};
    }
    if (!selects_pods(*service) || !service->metadata.deletion_timestamp.is_zero()) return {};
    if (!expectations_.satisfied(key, monotonic())) return {};
    std::vector<SliceRef> current = by_service_.owned_by(service->metadata.uid);
    std::erase_if(current, [](const SliceRef& slice) {
      return label(*slice, endpoint_slice::kManagedBy) != endpoint_slice::kManager ||
             !slice->metadata.deletion_timestamp.is_zero();
    });
    auto done = apply(key, endpoint_slice::plan_slices(
                               *service, selected_pods(context_.informers, *service),
                               [this](const std::string& node) { return zone_of(node); }, current));
    if (done || is_namespace_terminating(done.error())) return {};
    if (!done.error().is("Conflict")) {
      events_.record(
          client::make_reference(*service), "Warning", "FailedToUpdateEndpointSlices",
          "Error updating Endpoint Slices for Service " + key + ": " + done.error().message);
    }
    return done;
  }

  Result<void> apply(const std::string& key, const endpoint_slice::Changes& changes) {
    for (const auto& slice : changes.create) {
      expectations_.begin_creation();
      auto created = context_.api.create(slice);
      expectations_.end_creation(key, created ? created->metadata.uid : "", monotonic());
      if (!created) return std::unexpected(created.error());
    }
    for (const auto& slice : changes.update) {
      auto updated = context_.api.update(slice);
      if (!updated) return std::unexpected(updated.error());
    }
    for (const auto& slice : changes.remove) {
      expectations_.expect_deletion(key, slice->metadata.uid, monotonic());
      auto removed = context_.api.remove<EndpointSlice>(
          slice->metadata.namespace_, slice->metadata.name, {.uid = slice->metadata.uid});
      if (removed) continue;
      expectations_.forget_deletion(slice->metadata.uid);
      if (!removed.error().is("NotFound")) return removed;
    }
    return {};
  }

  MonotonicTime monotonic() const { return context_.executor.clock().monotonic(); }

  Context& context_;
  client::EventRecorder events_;
  Expectations expectations_;
  OwnerIndex<EndpointSlice> by_service_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_endpoint_slice_controller(Context& context) {
  return std::make_unique<EndpointSliceController>(context);
}

}  // namespace pinnace::controllers
