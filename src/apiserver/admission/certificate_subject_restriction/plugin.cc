// CertificateSubjectRestriction: nobody gets a client certificate of the group that may do all.
#include <algorithm>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/authentication/user.h"
#include "base/strings.h"
#include "net/certificate_request.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kSigner = "kubernetes.io/kube-apiserver-client";

Result<void> check_subject(AdmissionRequest& request) {
  if (spec_text(*request.object, "signerName") != kSigner) return {};
  const auto pem = base64_decode(spec_text(*request.object, "request"));
  const auto asked = pem ? net::inspect_request(*pem) : errors::bad_request("not base64");
  if (!asked) {
    return admission_refusal(request.change,
                             "failed to parse spec.request: " + asked.error().message);
  }
  const auto& groups = asked->organizations;
  if (std::ranges::find(groups, kMasters) == groups.end()) return {};
  return admission_refusal(request.change, "use of " + std::string(kSigner) +
                                               " signer with system:masters group is not allowed");
}

}  // namespace

constinit const AdmissionPlugin kCertificateSubjectRestriction{
    .name = "CertificateSubjectRestriction",
    .resources = "certificates.k8s.io/certificatesigningrequests",
    .subresources = "",
    .operations = kCreates,
    .validate = check_subject};

}  // namespace pinnace::apiserver
