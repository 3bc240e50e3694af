// ServiceAccountTokens makes and knows the tokens of service accounts: those of TokenRequest, with
// audiences, an end and an object that they are bound to, and the old ones that Secrets hold.
//
// Why claims are remembered: a signature that was right stays right, and checking it costs more
//   than the rest of a small request. Times and bound objects are looked at each time.
// Threads: any. Bounds: the claims of kMaxRemembered tokens; more, and all are forgotten.
// Source: kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/value.h"
#include "apiserver/authentication/token_authenticator.h"
#include "apiserver/server.h"
#include "net/jwt.h"

namespace pinnace::apiserver {

// What a bound token is bound to.
struct TokenBinding {
  std::string kind, name, uid;  // "Pod", "Secret" or "Node"; empty: none
  std::string node_name, node_uid;
};

struct TokenSpec {
  std::string ns, service_account, service_account_uid;
  std::vector<std::string> audiences;
  std::int64_t expiration_seconds = 3600;
  // Later than this the token still works, but whoever uses it should have renewed it; 0: as
  // `expiration_seconds`.
  std::int64_t warn_after_seconds = 0;
  TokenBinding bound;
};

struct IssuedToken {
  std::string token, id;
  WallTime expires;
};

// What a token must name in `aud` for this server.
std::vector<std::string> own_audiences(const Configuration& configuration);

class ServiceAccountTokens final : public TokenAuthenticator {
 public:
  bool knows_audiences() const override { return true; }
  // Without a key in the options nothing is signed and nothing known.
  static Result<std::unique_ptr<ServiceAccountTokens>> create(const Options& options);

  std::optional<Result<VerifiedToken>> check(std::string_view token,
                                             const Audiences& audiences) override;
  Result<IssuedToken> issue(const TokenSpec& spec) const;
  const std::string& jwks_json() const;
  const std::string& issuer() const { return issuers_.front(); }

 private:
  explicit ServiceAccountTokens(const Options& options);
  struct Claims {
    api::Arena arena{1 << 10};
    api::Value value;
  };
  using ClaimsRef = std::shared_ptr<const Claims>;
  Result<ClaimsRef> signed_claims(std::string_view token);
  Result<VerifiedToken> check_bound(const api::Value& claims, const Audiences& audiences) const;
  Result<VerifiedToken> check_secret(std::string_view token, const api::Value& claims,
                                     const Audiences& audiences) const;
  Result<void> check_objects(const api::Value& bound, std::string_view ns, User& user) const;
  bool is_known(std::string_view issuer) const;
  // Why nobody here signed it: nothing of a token that does not even say so.
  Unexpected why_unsigned(std::string_view token) const;
  struct Presence {
    bool is_there = false, is_long_gone = false;
    std::string uid;
  };
  Presence look(const char* resource, std::string_view ns, std::string_view name) const;
  // The account, as errors call it, and what the token is bound to: is there, with the uid that the
  // token says, and not long gone.
  Result<void> check_account(std::string_view ns, std::string_view name, std::string_view uid,
                             const std::string& called) const;
  Result<void> check_referent(const std::string& kind, const char* resource, std::string_view ns,
                              const api::Value& claim) const;

  store::Store& store_;
  const Clock& clock_;
  Rng& rng_;
  const std::vector<std::string> issuers_;
  const std::vector<std::string> api_audiences_;
  // How often tokens were used, by what became of that.
  struct Uses {
    explicit Uses(metrics::Registry& registry);
    metrics::Series &legacy, &made, &asked_for, &invalid, &stale, &valid;
  };
  Uses uses_;
  std::unique_ptr<net::JwtSigner> signer_;
  std::unique_ptr<net::JwtVerifier> verifier_;
  static constexpr std::size_t kMaxRemembered = 4096;
  std::mutex mutex_;
  std::unordered_map<std::string, ClaimsRef> remembered_;  // By the token's SHA-256.
};

}  // namespace pinnace::apiserver
