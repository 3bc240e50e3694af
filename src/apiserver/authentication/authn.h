// Authenticator proves who sent a request: by client certificate, static token or service-account
// token, in this order.
//
// Why claims are remembered: a signature that was right stays right, and checking it costs more
//   than the rest of a small request. Times and bound objects are looked at each time.
// Threads: any. Bounds: the claims of kMaxRemembered tokens; more, and all are forgotten.
// Errors: 401 Unauthorized, with nothing in it that helps a guesser.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "apiserver/authentication/user.h"
#include "apiserver/server.h"
#include "base/error.h"
#include "net/jwt.h"

namespace pinnace::apiserver {

// What a bound token is bound to.
struct TokenBinding {
  std::string kind, name, uid;  // "Pod" or "Secret"; empty: none
  std::string node_name, node_uid;
};

struct TokenSpec {
  std::string ns, service_account, service_account_uid;
  std::vector<std::string> audiences;
  std::int64_t expiration_seconds = 3600;
  TokenBinding bound;
};

struct IssuedToken {
  std::string token;
  WallTime expires;
};

struct VerifiedToken {
  User user;
  std::vector<std::string> audiences;  // those of the token that were asked for
};

class Authenticator {
 public:
  static Result<std::unique_ptr<Authenticator>> create(const Options& options);

  // The user, or nothing when the request carries no credentials.
  Result<std::optional<User>> authenticate(const net::Request& request) const;
  // A bearer token that is meant for any of `audiences`.
  Result<VerifiedToken> verify_token(std::string_view token,
                                     const std::vector<std::string>& audiences) const;
  Result<IssuedToken> issue(const TokenSpec& spec) const;
  const std::string& jwks_json() const;
  const std::string& issuer() const { return issuer_; }
  const std::vector<std::string>& api_audiences() const { return audiences_; }

 private:
  Authenticator(const Options& options);
  using Claims = std::shared_ptr<const std::string>;
  Result<Claims> signed_claims(std::string_view token) const;
  Result<VerifiedToken> verify_jwt(std::string_view token,
                                   const std::vector<std::string>& audiences) const;

  store::Store& store_;
  const Clock& clock_;
  Rng& rng_;
  std::map<std::string, User, std::less<>> static_tokens_;  // By the token's SHA-256.
  std::string issuer_;
  std::vector<std::string> audiences_;
  std::unique_ptr<net::JwtSigner> signer_;
  std::unique_ptr<net::JwtVerifier> verifier_;
  static constexpr std::size_t kMaxRemembered = 1024;
  mutable std::mutex mutex_;
  mutable std::unordered_map<std::string, Claims> remembered_;  // By the token's SHA-256.
};

}  // namespace pinnace::apiserver
