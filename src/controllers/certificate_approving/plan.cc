#include "controllers/certificate_approving/plan.h"

#include "controllers/support/times.h"

namespace pinnace::controllers::certificate_approving {
namespace {

constexpr Recognition kSelf = {
    "selfnodeclient", "Auto approving self kubelet client certificate after SubjectAccessReview."};
constexpr Recognition kAnyNode = {
    "nodeclient", "Auto approving kubelet client certificate after SubjectAccessReview."};

}  // namespace

Result<std::vector<Recognition>> recognize(const SigningRequest& request) {
  std::vector<Recognition> found;
  const bool is_decided = !request.status.certificate.empty() ||
                          find_condition(request, kApproved) != nullptr ||
                          find_condition(request, kDenied) != nullptr;
  if (is_decided || request.spec.signer_name != kKubeletClientSigner) return found;
  const auto asked = net::inspect_request(request.spec.request);
  if (!asked) return std::unexpected(asked.error());
  if (!fault_of_kubelet_client(*asked, request.spec.usages).empty()) return found;
  if (request.spec.username == asked->common_name) found.push_back(kSelf);
  found.push_back(kAnyNode);
  return found;
}

SigningRequest approve(const SigningRequest& request, const Recognition& as, WallTime now) {
  SigningRequest approved = request;
  RequestCondition condition;
  condition.type = kApproved;
  condition.status = "True";
  condition.reason = "AutoApproved";
  condition.message = as.message;
  condition.last_update_time = to_time(now);
  approved.status.conditions.push_back(std::move(condition));
  return approved;
}

}  // namespace pinnace::controllers::certificate_approving
