#include "controllers/certificate_signing/controller.h"

#include "controllers/certificate_signing/plan.h"
#include "controllers/informers.h"
#include "controllers/settings.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kName = "certificatesigningrequest-signing-controller";

class CertificateSigningController : public Controller {
 public:
  explicit CertificateSigningController(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {
    context.informers.certificate_requests.on_change(
        [this](const std::string& key) { worker_.add(key); });
  }

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.certificate_requests); });
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto request = context_.informers.certificate_requests.get(key);
    if (!request || !certificate_signing::awaits_certificate(*request)) return {};
    const auto& settings = context_.settings;
    const auto authority = settings.signers.find(request->spec.signer_name);
    if (authority == settings.signers.end()) return {};  // Somebody else signs for it.
    auto answered = certificate_signing::answer(*request, authority->second,
                                                settings.cluster_signing_duration, context_.now());
    if (!answered) return std::unexpected(std::move(answered.error()));
    return unless_gone(context_.api.update_status(*answered));
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_certificate_signing_controller(Context& context) {
  return std::make_unique<CertificateSigningController>(context);
}

}  // namespace pinnace::controllers
