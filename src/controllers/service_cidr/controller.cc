#include "controllers/service_cidr/controller.h"

#include "api/typed.h"
#include "controllers/informers.h"
#include "controllers/service_cidr/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/patches.h"

namespace pinnace::controllers {
namespace {

using service_cidr::AddressRef;
using service_cidr::Plan;
using service_cidr::RangeRef;
using service_cidr::ServiceCIDR;

constexpr std::string_view kName = "service-cidr-controller";

bool is_going(const ServiceCIDR& range) { return !range.metadata.deletion_timestamp.is_zero(); }

class ServiceCidrController : public Controller {
 public:
  explicit ServiceCidrController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    context.informers.service_cidrs.on_transition(
        [this](const RangeRef& before, const RangeRef& after) {
          if (after) worker_.add(after->metadata.name);
          wake_going([&](const ServiceCIDR& range) {
            return service_cidr::overlap(range, after ? *after : *before);
          });
        });
    // Only what is being deleted waits for addresses.
    context.informers.ip_addresses.on_transition(
        [this](const AddressRef& before, const AddressRef& after) {
          const std::string& address = (after ? after : before)->metadata.name;
          wake_going(
              [&](const ServiceCIDR& range) { return service_cidr::has_address(range, address); });
        });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.service_cidrs); });
  }

 private:
  template <typename Concerns>
  void wake_going(Concerns concerns) {
    for (const auto& [key, range] : context_.informers.service_cidrs.all()) {
      if (is_going(*range) && concerns(*range)) worker_.add(key);
    }
  }

  template <typename T>
  static std::vector<std::shared_ptr<const T>> all_of(const client::Informer<T>& informer) {
    std::vector<std::shared_ptr<const T>> all;
    all.reserve(informer.all().size());
    for (const auto& [key, object] : informer.all()) all.push_back(object);
    return all;
  }

  Result<void> sync(const std::string& key) {
    const auto range = context_.informers.service_cidrs.get(key);
    if (!range) return {};
    std::vector<AddressRef> addresses;
    if (is_going(*range)) addresses = all_of(context_.informers.ip_addresses);
    const Plan plan = service_cidr::plan(*range, all_of(context_.informers.service_cidrs),
                                         addresses, context_.now());
    if (plan.again > Duration::zero()) worker_.add_after(key, plan.again);
    if (auto done = write_finalizer(*range, plan.finalizer); !done) return done;
    if (!plan.condition) return {};
    auto done = unless_gone(context_.api.patch<ServiceCIDR>(
        "", key, client::PatchType::kStrategicMerge,
        R"({"metadata":{"uid":)" + quoted(range->metadata.uid) + R"(},"status":{"conditions":[)" +
            api::to_json(*plan.condition) + "]}}",
        "status"));
    if (!done && !is_going(*range)) {
      events_.record(client::make_reference(*range), "Warning", "KubernetesServiceCIDRError",
                     "The ServiceCIDR Status can not be set to Ready=True");
    }
    return done;
  }

  Result<void> write_finalizer(const ServiceCIDR& range, Plan::Finalizer wanted) {
    if (wanted == Plan::Finalizer::kKeep) return {};
    const std::string member =
        wanted == Plan::Finalizer::kAdd ? "finalizers" : "$deleteFromPrimitiveList/finalizers";
    return unless_gone(context_.api.patch<ServiceCIDR>(
        "", range.metadata.name, client::PatchType::kStrategicMerge,
        R"({"metadata":{"uid":)" + quoted(range.metadata.uid) + ',' + quoted(member) + ":[" +
            quoted(service_cidr::kFinalizer) + "]}}"));
  }

  Context& context_;
  client::EventRecorder events_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_service_cidr_controller(Context& context) {
  return std::make_unique<ServiceCidrController>(context);
}

}  // namespace pinnace::controllers
