// BootstrapTokens knows the tokens "ID.SECRET" of Secrets bootstrap-token-ID in kube-system, with
// which a machine asks to become a node.
//
// Threads: any. Source: kubernetes.io/docs/reference/access-authn-authz/bootstrap-tokens.
#pragma once

#include "apiserver/authentication/token_authenticator.h"
#include "base/clock.h"
#include "store/store.h"

namespace pinnace::apiserver {

class BootstrapTokens final : public TokenAuthenticator {
 public:
  BootstrapTokens(const store::Store& store, const Clock& clock) : store_(store), clock_(clock) {}
  std::optional<Result<VerifiedToken>> check(std::string_view token,
                                             const Audiences& audiences) override;

 private:
  const store::Store& store_;
  const Clock& clock_;
};

}  // namespace pinnace::apiserver
