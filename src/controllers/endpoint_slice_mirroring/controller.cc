#include "controllers/endpoint_slice_mirroring/controller.h"

#include "controllers/endpoint_slice_mirroring/plan.h"
#include "controllers/informers.h"
#include "controllers/support/slice_writer.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kName = "endpoint-slice-mirroring-controller";

class EndpointSliceMirroringController : public Controller {
 public:
  explicit EndpointSliceMirroringController(Context& context)
      : context_(context),
        writer_(context, kName),
        mirrors_(context.informers.endpoint_slices, &key_of_mirror),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    context.informers.endpoints.on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.services.on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.endpoint_slices.on_transition(
        [this](const SliceRef& before, const SliceRef& after) {
          writer_.observe(before, after);
          for (const auto& slice : {before, after}) {
            const std::string key = slice ? key_of_mirror(*slice) : std::string();
            if (!key.empty()) worker_.add(key);
          }
        });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.endpoints); });
  }

 private:
  static std::string key_of_mirror(const EndpointSlice& slice) {
    return service_of(slice, endpoint_slice_mirroring::kManager);
  }

  Result<void> sync(const std::string& key) {
    if (!writer_.is_settled(key)) return {};
    const auto endpoints = context_.informers.endpoints.get(key);
    const auto service = context_.informers.services.get(key);
    std::vector<SliceRef> current = mirrors_.in(key);
    std::erase_if(current, [](const SliceRef& slice) {
      return !slice->metadata.deletion_timestamp.is_zero();
    });
    SliceChanges changes;
    if (endpoints && service && endpoint_slice_mirroring::is_mirrored(*endpoints, *service))
      changes = endpoint_slice_mirroring::plan_mirrors(*endpoints, current);
    else
      changes.remove = current;
    const auto about = endpoints ? client::make_reference(*endpoints) : core_v1::ObjectReference();
    return writer_.write(key, changes, about, "EndpointSlices for Endpoints");
  }

  Context& context_;
  SliceWriter writer_;
  Index<EndpointSlice> mirrors_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_endpoint_slice_mirroring_controller(Context& context) {
  return std::make_unique<EndpointSliceMirroringController>(context);
}

}  // namespace pinnace::controllers
