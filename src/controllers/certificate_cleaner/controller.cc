#include "controllers/certificate_cleaner/controller.h"

#include "controllers/certificate_cleaner/plan.h"
#include "controllers/informers.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

constexpr std::string_view kName = "certificatesigningrequest-cleaner-controller";
constexpr Duration kPeriod = std::chrono::hours(1);

class CertificateCleaner : public Controller {
 public:
  explicit CertificateCleaner(Context& context)
      : context_(context), worker_(context, kName, [this](const auto& key) { return sync(key); }) {}

  void start() override {
    worker_.start([this] { return keys_of(context_.informers.certificate_requests); }, kPeriod);
  }

 private:
  Result<void> sync(const std::string& key) {
    const auto request = context_.informers.certificate_requests.get(key);
    if (!request || !certificate_cleaner::has_served(*request, context_.now())) return {};
    return unless_gone(
        context_.api.remove<SigningRequest>("", key, {.uid = request->metadata.uid}));
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_certificate_cleaner_controller(Context& context) {
  return std::make_unique<CertificateCleaner>(context);
}

}  // namespace pinnace::controllers
