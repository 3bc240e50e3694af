#include "controllers/endpoints/controller.h"

#include "controllers/endpoints/plan.h"
#include "controllers/support/errors.h"
#include "controllers/support/service_wakes.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kName = "endpoint-controller";

class EndpointsController : public Controller {
 public:
  explicit EndpointsController(Context& context)
      : context_(context),
        events_(context.api, context.executor, context.rng, std::string(kName)),
        worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    wake_services(context.informers, worker_);
    // Someone else's change to the object is undone, its deletion too.
    context.informers.endpoints.on_change([this](const std::string& key) { worker_.add(key); });
  }

  // Endpoints of Services that are gone need a look too.
  void start() override {
    worker_.start([this] {
      auto keys = keys_of(context_.informers.services);
      const auto more = keys_of(context_.informers.endpoints);
      keys.insert(keys.end(), more.begin(), more.end());
      return keys;
    });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto service = context_.informers.services.get(key);
    const auto current = context_.informers.endpoints.get(key);
    if (!service) {
      // Those that no controller made (of "kubernetes", or by hand) have no such label.
      if (!current || !current->metadata.labels.contains("endpoints.kubernetes.io/managed-by")) {
        return {};
      }
      return unless_gone(context_.api.remove<core_v1::Endpoints>(
          current->metadata.namespace_, current->metadata.name, {.uid = current->metadata.uid}));
    }
    if (!selects_pods(*service)) return {};
    auto wanted = endpoints::plan_endpoints(*service, selected_pods(context_.informers, *service),
                                            current.get());
    if (!wanted) return {};
    auto written = current ? context_.api.update(*wanted) : context_.api.create(*wanted);
    if (written || is_namespace_terminating(written.error())) return {};
    if (!written.error().is("Conflict") && !written.error().is("AlreadyExists")) {
      events_.record(client::make_reference(*service), "Warning",
                     current ? "FailedToUpdateEndpoint" : "FailedToCreateEndpoint",
                     std::string("Failed to ") + (current ? "update" : "create") + " endpoint " +
                         key + ": " + written.error().message);
    }
    return std::unexpected(written.error());
  }

  Context& context_;
  client::EventRecorder events_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_endpoints_controller(Context& context) {
  return std::make_unique<EndpointsController>(context);
}

}  // namespace pinnace::controllers
