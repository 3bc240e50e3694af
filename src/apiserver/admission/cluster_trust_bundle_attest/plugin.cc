// ClusterTrustBundleAttest: who says whom to trust for a signer must be trusted with that signer.
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/signer_rights.h"

namespace pinnace::apiserver {
namespace {

Result<void> check_attester(AdmissionRequest& request) {
  const std::string signer(spec_text(*request.object, "signerName"));
  if (signer.empty()) return {};
  if (request.is(Operation::kUpdate)) {
    const auto *before = request.old->find("spec"), *after = request.object->find("spec");
    if (before != nullptr && after != nullptr && api::equal(*before, *after)) return {};
  }
  if (may_act_for_signer(request, "attest", signer)) return {};
  return admission_refusal(request.change,
                           "user not permitted to attest for signerName \"" + signer + "\"");
}

}  // namespace

constinit const AdmissionPlugin kClusterTrustBundleAttest{
    .name = "ClusterTrustBundleAttest",
    .resources = "certificates.k8s.io/clustertrustbundles",
    .subresources = "",
    .operations = kWrites,
    .validate = check_attester};

}  // namespace pinnace::apiserver
