#include "controllers/certificate_approving/controller.h"

#include "api/types/authorization_v1.h"
#include "controllers/certificate_approving/plan.h"
#include "controllers/informers.h"
#include "controllers/support/errors.h"

namespace pinnace::controllers {
namespace {

using api::authorization_v1::SubjectAccessReview;

constexpr std::string_view kName = "certificatesigningrequest-approving-controller";
// A maker who may not have it now may later: no event tells of that.
constexpr Duration kAskAgain = std::chrono::seconds(30);

SubjectAccessReview review_of(const SigningRequest& request, std::string_view subresource) {
  SubjectAccessReview review;
  review.spec.user = request.spec.username;
  review.spec.uid = request.spec.uid;
  review.spec.groups = request.spec.groups;
  for (const auto& [key, values] : request.spec.extra) {
    review.spec.extra[key].items = values.items;
  }
  auto& wanted = review.spec.resource_attributes.emplace();
  wanted.group = "certificates.k8s.io";
  wanted.resource = "certificatesigningrequests";
  wanted.verb = "create";
  wanted.subresource = subresource;
  wanted.version = "*";
  return review;
}

class CertificateApprovingController : public Controller {
 public:
  explicit CertificateApprovingController(Context& context)
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
    if (!request) return {};
    const auto recognitions = certificate_approving::recognize(*request);
    if (!recognitions) return std::unexpected(recognitions.error());
    for (const auto& each : *recognitions) {
      const auto review = context_.api.create(review_of(*request, each.subresource));
      if (!review) return std::unexpected(review.error());
      if (!review->status.allowed) continue;
      return unless_gone(context_.api.update(
          certificate_approving::approve(*request, each, context_.now()), "approval"));
    }
    if (!recognitions->empty()) worker_.add_after(key, kAskAgain);
    return {};
  }

  Context& context_;
  Worker worker_;
};

}  // namespace

std::unique_ptr<Controller> make_certificate_approving_controller(Context& context) {
  return std::make_unique<CertificateApprovingController>(context);
}

}  // namespace pinnace::controllers
