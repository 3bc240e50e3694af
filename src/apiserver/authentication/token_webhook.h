// TokenWebhook asks a server outside whose a token is, by TokenReview, and remembers its answers.
//
// Threads: any. Bounds: kMaxAnswers answers, each for the time that is set.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "Webhook Token
//   Authentication".
#pragma once

#include <memory>

#include "apiserver/authentication/token_authenticator.h"
#include "apiserver/http/expiring_cache.h"
#include "apiserver/server.h"
#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {

class TokenWebhook final : public TokenAuthenticator {
 public:
  bool knows_audiences() const override { return true; }
  static constexpr std::size_t kMaxAnswers = 4096;
  static Result<std::unique_ptr<TokenWebhook>> create(const Options& options);

  std::optional<Result<VerifiedToken>> check(std::string_view token,
                                             const Audiences& audiences) override;
  void ask(const std::string& token, const Audiences& audiences, Done done) override;

 private:
  using Cache = ExpiringCache<Result<VerifiedToken>>;
  TokenWebhook(const Options& options, WebhookTargetRef target);

  const std::string version_;
  const Duration ttl_;
  const Clock& clock_;
  const std::shared_ptr<Cache> answers_;
  WebhookClient& client_;
  const WebhookTargetRef target_;
};

}  // namespace pinnace::apiserver
