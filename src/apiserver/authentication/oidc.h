// Oidc knows the tokens of one issuer of OpenID Connect.
//
// Threads: any. Bounds: kMaxVerified tokens are remembered, each for ten seconds.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "OpenID Connect Tokens".
#pragma once

#include <memory>

#include "apiserver/authentication/claim_mapping.h"
#include "apiserver/authentication/issuer_keys.h"
#include "apiserver/authentication/token_authenticator.h"
#include "apiserver/http/expiring_cache.h"
#include "apiserver/server.h"

namespace pinnace::apiserver {

class Oidc final : public TokenAuthenticator {
 public:
  static constexpr std::size_t kMaxVerified = 4096;
  static Result<std::unique_ptr<Oidc>> create(const IssuerSpec& issuer, const Options& options);

  std::optional<Result<VerifiedToken>> check(std::string_view token,
                                             const Audiences& audiences) override;
  void ask(const std::string& token, const Audiences& audiences, Done done) override;

 private:
  struct Parts;  // What answers that come later still need.
  explicit Oidc(std::shared_ptr<Parts> parts) : parts_(std::move(parts)) {}

  std::shared_ptr<Parts> parts_;
};

}  // namespace pinnace::apiserver
