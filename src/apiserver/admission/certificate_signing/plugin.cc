// CertificateSigning: who hands out a certificate must be trusted with its signer.
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/signer_rights.h"

namespace pinnace::apiserver {
namespace {

// The parts of a status that only a signer writes.
bool signs(const AdmissionRequest& request) {
  const auto part = [](const api::Value& object, std::string_view key) {
    const auto* status = object.find("status");
    return status == nullptr ? std::string_view() : status->string_at(key);
  };
  if (part(*request.old, "certificate") != part(*request.object, "certificate")) return true;
  const auto failed = [](const api::Value& object) {
    for (const auto& condition : items_at(object.find("status"), "conditions")) {
      if (condition.string_at("type") == "Failed") return true;
    }
    return false;
  };
  return failed(*request.old) != failed(*request.object);
}

Result<void> check_signer(AdmissionRequest& request) {
  if (request.change.subresource != "status" || !signs(request)) return {};
  const std::string signer(spec_text(*request.old, "signerName"));
  if (may_act_for_signer(request, "sign", signer)) return {};
  return admission_refusal(
      request.change, "user not permitted to sign requests with signerName \"" + signer + "\"");
}

}  // namespace

constinit const AdmissionPlugin kCertificateSigning{
    .name = "CertificateSigning",
    .resources = "certificates.k8s.io/certificatesigningrequests",
    .subresources = "status",
    .operations = kUpdates,
    .validate = check_signer};

}  // namespace pinnace::apiserver
