#include "controllers/endpoint_slice/controller.h"

#include "controllers/endpoint_slice/plan.h"
#include "controllers/support/service_wakes.h"
#include "controllers/support/slice_writer.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kName = "endpoint-slice-controller";

class EndpointSliceController : public Controller {
 public:
  explicit EndpointSliceController(Context& context)
      : context_(context),
        writer_(context, kName),
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
    writer_.observe(before, after);
    for (const auto& slice : {before, after}) {
      const std::string key = slice ? service_of(*slice, endpoint_slice::kManager) : std::string();
      if (!key.empty()) worker_.add(key);
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
      writer_.forget(key);
      return {};
    }
    if (!selects_pods(*service) || !service->metadata.deletion_timestamp.is_zero()) return {};
    if (!writer_.is_settled(key)) return {};
    std::vector<SliceRef> current = by_service_.owned_by(service->metadata.uid);
    std::erase_if(current, [](const SliceRef& slice) {
      return service_of(*slice, endpoint_slice::kManager).empty() ||
             !slice->metadata.deletion_timestamp.is_zero();
    });
    const auto changes = endpoint_slice::plan_slices(
        *service, selected_pods(context_.informers, *service),
        [this](const std::string& node) { return zone_of(node); }, current);
    return writer_.write(key, changes, client::make_reference(*service),
                         "Endpoint Slices for Service");
  }

  Context& context_;
  SliceWriter writer_;
  OwnerIndex<EndpointSlice> by_service_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_endpoint_slice_controller(Context& context) {
  return std::make_unique<EndpointSliceController>(context);
}

}  // namespace pinnace::controllers
