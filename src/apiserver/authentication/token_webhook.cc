#include "apiserver/authentication/token_webhook.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/webhook/webhook_refusal.h"
#include "base/strings.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

constexpr Duration kTimeout = std::chrono::seconds(30);
constexpr int kAttempts = 5;

std::string key_of_question(std::string_view token, const std::vector<std::string>& audiences) {
  return net::sha256(std::string(token) + '\n' + join(audiences, "\n"));
}

std::string question(const std::string& version, const std::string& token,
                     const std::vector<std::string>& audiences) {
  api::Arena arena;
  api::Value review = api::Value::object();
  review.set(arena, "kind", api::Value::string_ref("TokenReview"));
  review.set(arena, "apiVersion", api::Value::string(arena, "authentication.k8s.io/" + version));
  review.ensure_object(arena, "metadata");
  api::Value& spec = review.ensure_object(arena, "spec");
  spec.set(arena, "token", api::Value::string(arena, token));
  if (!audiences.empty()) spec.set(arena, "audiences", text_list(arena, audiences));
  return api::to_json_text(review);
}

// The user of a review's `status.user`.
User user_of_value(const api::Value& value) {
  User user;
  user.name = value.string_at("username");
  user.uid = value.string_at("uid");
  user.groups = texts_of(value.find("groups"));
  if (const auto* extra = value.find("extra"); extra != nullptr && extra->is_object()) {
    for (const auto& [key, values] : extra->members()) {
      user.extra[std::string(key)] = texts_of(&values);
    }
  }
  return user;
}

Result<VerifiedToken> read_answer(const WebhookAnswer& response,
                                  const std::vector<std::string>& audiences) {
  if (!is_success(response)) return errors::unavailable(refusal_of(response));
  api::Arena arena;
  const auto review = api::parse_json(arena, response.body);
  const auto* status = review ? review->find("status") : nullptr;
  if (status == nullptr || !status->bool_at("authenticated")) {
    const std::string_view why = status == nullptr ? "" : status->string_at("error");
    return errors::unauthorized(std::string(why));
  }
  VerifiedToken verified;
  const auto* user = status->find("user");
  if (user == nullptr) return errors::unauthorized();
  verified.user = user_of_value(*user);
  // A webhook that says nothing of audiences speaks for this server.
  const auto own = texts_of(status->find("audiences"));
  for (const auto& each : audiences) {
    if (own.empty() || std::ranges::find(own, each) != own.end()) {
      verified.audiences.push_back(each);
    }
  }
  if (verified.audiences.empty()) return errors::unauthorized();
  return verified;
}

}  // namespace

TokenWebhook::TokenWebhook(const Options& options, WebhookTargetRef target)
    : version_(options.configuration.authentication.webhook_version),
      ttl_(options.configuration.authentication.webhook_cache_ttl),
      clock_(options.clock),
      answers_(std::make_shared<Cache>(kMaxAnswers)),
      client_(*options.webhooks),
      target_(std::move(target)) {}

Result<std::unique_ptr<TokenWebhook>> TokenWebhook::create(const Options& options) {
  const AuthenticationSettings& settings = options.configuration.authentication;
  if (options.webhooks == nullptr) {
    return errors::bad_request("webhooks cannot be called here");
  }
  if (settings.webhook_version != "v1" && settings.webhook_version != "v1beta1") {
    return errors::bad_request("unsupported version of TokenReview: " + settings.webhook_version);
  }
  auto target = WebhookTarget::read_kubeconfig(settings.webhook_config_file);
  if (!target) return std::unexpected(std::move(target.error()));
  return std::unique_ptr<TokenWebhook>(new TokenWebhook(options, std::move(*target)));
}

std::optional<Result<VerifiedToken>> TokenWebhook::check(std::string_view token,
                                                         const Audiences& audiences) {
  return answers_->get(key_of_question(token, audiences), clock_.monotonic());
}

void TokenWebhook::ask(const std::string& token, const Audiences& audiences, Done done) {
  const std::string key = key_of_question(token, audiences);
  if (auto known = answers_->get(key, clock_.monotonic())) return done(std::move(*known));
  client_.send(
      target_,
      {.body = question(version_, token, audiences), .timeout = kTimeout, .attempts = kAttempts},
      [answers = answers_, &clock = clock_, ttl = ttl_, key, audiences,
       done = std::move(done)](Result<WebhookAnswer> answer) {
        if (!answer) return done(std::unexpected(std::move(answer.error())));
        auto verified = read_answer(*answer, audiences);
        const bool is_said = verified || verified.error().code == 401;
        if (is_said && ttl > Duration{}) {
          answers->put(key, verified, clock.monotonic() + ttl);
        }
        done(std::move(verified));
      });
}

}  // namespace pinnace::apiserver
