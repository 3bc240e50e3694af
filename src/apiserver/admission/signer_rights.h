// The right to act for a signer: a verb on the virtual resource "signers" of certificates.k8s.io.
//
// Source: kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests.
#pragma once

#include <string_view>

#include "apiserver/admission/admission.h"

namespace pinnace::apiserver {

// Whether the user holds it for this signer ("example.com/a") or for all of its domain
// ("example.com/*").
bool may_act_for_signer(const AdmissionRequest& request, std::string_view verb,
                        std::string_view signer);

}  // namespace pinnace::apiserver
