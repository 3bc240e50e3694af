#include "apiserver/admission/signer_rights.h"

#include "apiserver/backend.h"

namespace pinnace::apiserver {

bool may_act_for_signer(const AdmissionRequest& request, std::string_view verb,
                        std::string_view signer) {
  Attributes wanted;
  wanted.verb = verb;
  wanted.group = "certificates.k8s.io";
  wanted.resource = "signers";
  wanted.name = signer;
  if (may_user(request, wanted)) return true;
  wanted.name = std::string(signer.substr(0, signer.find('/'))) + "/*";
  return may_user(request, wanted);
}

}  // namespace pinnace::apiserver
