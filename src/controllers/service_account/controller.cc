#include "controllers/service_account/controller.h"

#include "controllers/informers.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

using core_v1::ServiceAccount;

constexpr std::string_view kName = "serviceaccount-controller";
constexpr std::string_view kDefault = "default";

class ServiceAccountController : public Controller {
 public:
  explicit ServiceAccountController(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    context.informers.namespaces.on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.service_accounts.on_transition([this](const auto& before, const auto& after) {
      if (!after && before->metadata.name == kDefault) worker_.add(before->metadata.namespace_);
    });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.namespaces); });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto ns = context_.informers.namespaces.get(key);
    if (!ns || !ns->metadata.deletion_timestamp.is_zero()) return {};
    if (context_.informers.service_accounts.get(key + '/' + std::string(kDefault))) return {};
    ServiceAccount account;
    account.metadata.name = std::string(kDefault);
    account.metadata.namespace_ = key;
    auto created = context_.api.create(account);
    if (!created && !created.error().is("AlreadyExists") &&
        !is_namespace_terminating(created.error())) {
      return unless_gone(created);
    }
    return {};
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_service_account_controller(Context& context) {
  return std::make_unique<ServiceAccountController>(context);
}

}  // namespace pinnace::controllers
