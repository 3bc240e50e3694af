// WebhookAuthorizer asks a server outside, by SubjectAccessReview, and remembers its answers.
//
// Threads: any. Bounds: kMaxAnswers answers, each as long as its kind of answer may be kept;
//   questions of more than kMaxQuestionBytes are asked each time.
// Errors: no answer is no opinion or a denial, as the failure policy says, with the error in the
//   decision.
// Source: kubernetes.io/docs/reference/access-authn-authz/webhook.
#pragma once

#include <memory>
#include <string>

#include "apiserver/authentication/expression.h"
#include "apiserver/authorization/authorization_config.h"
#include "apiserver/authorization/authorizer.h"
#include "apiserver/http/expiring_cache.h"
#include "apiserver/server.h"
#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {

class WebhookAuthorizer final : public Authorizer {
 public:
  static constexpr std::size_t kMaxAnswers = 8192;
  static constexpr std::size_t kMaxQuestionBytes = 10'000;

  static Result<std::unique_ptr<WebhookAuthorizer>> create(const WebhookAuthorizerSpec& spec,
                                                           const Options& options);

  std::optional<Decision> decide(const User& user, const Attributes& wanted, bool explain) override;
  void ask(const User& user, const Attributes& wanted, Done done) override;
  void list_rules(const User& user, const std::string& ns, RuleSet& out) override;

 private:
  using Cache = ExpiringCache<Decision>;
  // What the conditions say before anybody is asked; nothing: it is to be asked.
  std::optional<Decision> by_conditions(const User& user, const Attributes& wanted) const;
  WebhookAuthorizer(WebhookAuthorizerSpec spec, std::vector<Expression> conditions,
                    WebhookClient& client, WebhookTargetRef target, const Clock& clock)
      : spec_(std::make_shared<const WebhookAuthorizerSpec>(std::move(spec))),
        conditions_(std::move(conditions)),
        clock_(clock),
        answers_(std::make_shared<Cache>(kMaxAnswers)),
        client_(client),
        target_(std::move(target)) {}

  // Shared with the answers that are under way.
  const std::shared_ptr<const WebhookAuthorizerSpec> spec_;
  const std::vector<Expression> conditions_;
  const Clock& clock_;
  const std::shared_ptr<Cache> answers_;
  WebhookClient& client_;
  const WebhookTargetRef target_;
};

// The `spec` of a SubjectAccessReview of this version.
api::Value review_spec(api::Arena& arena, std::string_view version, const User& user,
                       const Attributes& wanted);

}  // namespace pinnace::apiserver
