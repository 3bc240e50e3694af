#include "controllers/legacy_token_cleaner/controller.h"

#include <algorithm>

#include "controllers/informers.h"
#include "controllers/legacy_token_cleaner/plan.h"
#include "controllers/service_account_token/plan.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"
#include "controllers/support/patches.h"

namespace pinnace::controllers {
namespace {

namespace plan = legacy_token_cleaner;
using core_v1::Secret;
using plan::Fate;

constexpr std::string_view kName = "legacy-serviceaccount-token-cleaner-controller";
constexpr char kTracking[] = "kube-apiserver-legacy-service-account-token-tracking";
constexpr Duration kPeriod = std::chrono::hours(24);

class LegacyTokenCleaner : public Controller {
 public:
  explicit LegacyTokenCleaner(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {}

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.token_secrets); }, kPeriod);
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto secret = context_.informers.token_secrets.get(key);
    if (!secret) return {};
    const auto& meta = secret->metadata;
    const auto account = context_.informers.service_accounts.get(
        meta.namespace_ + '/' + service_account_token::account_of(*secret));
    const Duration unused = context_.settings.legacy_token_clean_up_period;
    const Fate fate = plan::fate_of(*secret, account.get(), unused, context_.now());
    if (fate == Fate::kKeep || is_in_use(*secret)) return {};
    const auto tracking = context_.api.get<core_v1::ConfigMap>("kube-system", kTracking);
    if (!tracking) return unless_gone(tracking);
    const auto since = tracking->data.find("since");
    if (since == tracking->data.end() ||
        !plan::is_tracked_long_enough(since->second, unused, context_.now())) {
      return {};
    }
    if (fate == Fate::kRemove) {
      return unless_gone(context_.api.remove<Secret>(meta.namespace_, meta.name,
                                                     {.resource_version = meta.resource_version}));
    }
    return unless_gone(context_.api.patch<Secret>(
        meta.namespace_, meta.name, client::PatchType::kMerge,
        R"({"metadata":{"uid":)" + quoted(meta.uid) + R"(,"labels":{)" +
            quoted(plan::kInvalidSince) + ':' + quoted(plan::date_of(context_.now())) + "}}}"));
  }

  bool is_in_use(const Secret& secret) const {
    return std::ranges::any_of(
        context_.informers.pods.in_namespace(secret.metadata.namespace_),
        [&](const auto& pod) { return plan::may_use(*pod, secret.metadata.name); });
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_legacy_token_cleaner(Context& context) {
  return std::make_unique<LegacyTokenCleaner>(context);
}

}  // namespace pinnace::controllers
