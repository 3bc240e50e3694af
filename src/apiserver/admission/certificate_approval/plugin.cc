// CertificateApproval: who approves a request must be trusted with its signer.
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/signer_rights.h"

namespace pinnace::apiserver {
namespace {

Result<void> check_approver(AdmissionRequest& request) {
  if (request.change.subresource != "approval") return {};
  const std::string signer(spec_text(*request.old, "signerName"));
  if (may_act_for_signer(request, "approve", signer)) return {};
  return admission_refusal(
      request.change, "user not permitted to approve requests with signerName \"" + signer + "\"");
}

}  // namespace

constinit const AdmissionPlugin kCertificateApproval{
    .name = "CertificateApproval",
    .resources = "certificates.k8s.io/certificatesigningrequests",
    .subresources = "approval",
    .operations = kUpdates,
    .validate = check_approver};

}  // namespace pinnace::apiserver
