#include "controllers/service_account_token/controller.h"

#include "base/log.h"
#include "controllers/informers.h"
#include "controllers/service_account_token/plan.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"
#include "net/jwt.h"

namespace pinnace::controllers {
namespace {

using core_v1::Secret;
using core_v1::ServiceAccount;
namespace plan = service_account_token;

constexpr std::string_view kName = "serviceaccount-token-controller";

class ServiceAccountTokenController : public Controller {
 public:
  explicit ServiceAccountTokenController(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    if (context.settings.service_account_key_pem.empty()) return;
    auto signer = net::JwtSigner::create(context.settings.service_account_key_pem);
    if (!signer) {
      log::error("Secrets get no tokens", {{"error", signer.error().message}});
      return;
    }
    signer_ = std::move(*signer);
    context.informers.token_secrets.on_change([this](const std::string& key) { worker_.add(key); });
    context.informers.service_accounts.on_transition([this](const auto& before, const auto& after) {
      const bool is_another = !before || !after || before->metadata.uid != after->metadata.uid;
      if (is_another) add_secrets_of((after ? after : before)->metadata);
    });
  }

  void start() override {
    if (!signer_) return;
    worker_.start([this] { return keys_of(context_.informers.token_secrets); });
  }

 private:
  void add_secrets_of(const meta_v1::ObjectMeta& account) {
    for (const auto& secret : context_.informers.token_secrets.in_namespace(account.namespace_)) {
      if (plan::account_of(*secret) == account.name) worker_.add(key_of(secret->metadata));
    }
  }

  Result<void> sync(const std::string& key) {
    const auto [ns, name] = split_key(key);
    if (!context_.informers.token_secrets.get(key)) return drop_references(ns, name);
    // Informers of two kinds do not keep step: who is to be removed must be missing at the server.
    const auto secret = context_.api.get<Secret>(ns, name);
    if (!secret) return unless_gone(secret);
    const std::string account_name = plan::account_of(*secret);
    if (account_name.empty() || !secret->metadata.deletion_timestamp.is_zero()) return {};
    const auto account = context_.api.get<ServiceAccount>(ns, account_name);
    if (!account && !account.error().is("NotFound")) return std::unexpected(account.error());
    if (!account || !plan::is_for(*secret, *account)) {
      return unless_gone(context_.api.remove<Secret>(ns, name, {.uid = secret->metadata.uid}));
    }
    const auto filled =
        plan::fill(*secret, *account, context_.settings.root_ca_pem,
                   [this](std::string_view claims) { return signer_->sign(claims); });
    if (!filled) return std::unexpected(filled.error());
    if (!*filled) return {};
    return unless_gone(context_.api.update(**filled));
  }

  Result<void> drop_references(const std::string& ns, const std::string& secret) {
    for (const auto& account : context_.informers.service_accounts.in_namespace(ns)) {
      const auto wanted = plan::without_secret(*account, secret);
      if (!wanted) continue;
      const auto there = context_.api.get<Secret>(ns, secret);
      if (there) return {};
      if (!there.error().is("NotFound")) return std::unexpected(there.error());
      auto written = unless_gone(context_.api.update(*wanted));
      if (!written) return written;
    }
    return {};
  }

  Context& context_;
  std::unique_ptr<net::JwtSigner> signer_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_service_account_token_controller(Context& context) {
  return std::make_unique<ServiceAccountTokenController>(context);
}

}  // namespace pinnace::controllers
