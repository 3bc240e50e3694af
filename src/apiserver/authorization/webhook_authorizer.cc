#include "apiserver/authorization/webhook_authorizer.h"

#include "api/json.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/webhook/webhook_refusal.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

constexpr int kAttempts = 5;

api::Value requirements(api::Arena& arena, const std::vector<SelectorTerm>& terms) {
  api::Value list = api::Value::array();
  for (const SelectorTerm& term : terms) {
    api::Value& item = list.append(arena, api::Value::object());
    item.set(arena, "key", api::Value::string(arena, term.key));
    item.set(arena, "operator", api::Value::string(arena, term.op));
    if (!term.values.empty()) item.set(arena, "values", text_list(arena, term.values));
  }
  api::Value out = api::Value::object();
  out.set(arena, "requirements", list);
  return out;
}

std::string question(const std::string& version, const User& user, const Attributes& wanted) {
  api::Arena arena;
  api::Value review = api::Value::object();
  review.set(arena, "kind", api::Value::string_ref("SubjectAccessReview"));
  review.set(arena, "apiVersion", api::Value::string(arena, "authorization.k8s.io/" + version));
  review.ensure_object(arena, "metadata");
  review.set(arena, "spec", review_spec(arena, version, user, wanted));
  return api::to_json_text(review);
}

Decision failure(const WebhookAuthorizerSpec& spec, const std::string& why) {
  return {spec.denies_on_failure ? Verdict::kDeny : Verdict::kNoOpinion, "", why};
}

Decision read_answer(const WebhookAuthorizerSpec& spec, const WebhookAnswer& response) {
  if (!is_success(response)) return failure(spec, refusal_of(response));
  api::Arena arena;
  const auto review = api::parse_json(arena, response.body);
  const auto* status = review ? review->find("status") : nullptr;
  if (status == nullptr || !status->is_object()) {
    return failure(spec, "the authorization webhook " + spec.name + " answered with no review");
  }
  const bool allowed = status->bool_at("allowed"), denied = status->bool_at("denied");
  std::string reason(status->string_at("reason"));
  if (allowed && denied) {
    return {Verdict::kDeny, std::move(reason),
            "webhook subject access review returned both allow and deny response"};
  }
  return {allowed  ? Verdict::kAllow
          : denied ? Verdict::kDeny
                   : Verdict::kNoOpinion,
          std::move(reason), ""};
}

}  // namespace

api::Value review_spec(api::Arena& arena, std::string_view version, const User& user,
                       const Attributes& wanted) {
  api::Value spec = api::Value::object();
  const auto put = [&](api::Value& to, std::string_view key, const std::string& text) {
    if (!text.empty()) to.set(arena, key, api::Value::string(arena, text));
  };
  if (wanted.is_resource) {
    api::Value& about = spec.ensure_object(arena, "resourceAttributes");
    put(about, "namespace", wanted.ns);
    put(about, "verb", wanted.verb);
    put(about, "group", wanted.group);
    put(about, "version", wanted.version);
    put(about, "resource", wanted.resource);
    put(about, "subresource", wanted.subresource);
    put(about, "name", wanted.name);
    if (!wanted.fields.empty()) {
      about.set(arena, "fieldSelector", requirements(arena, wanted.fields));
    }
    if (!wanted.labels.empty()) {
      about.set(arena, "labelSelector", requirements(arena, wanted.labels));
    }
  } else {
    api::Value& about = spec.ensure_object(arena, "nonResourceAttributes");
    put(about, "path", wanted.path);
    put(about, "verb", wanted.verb);
  }
  put(spec, "user", user.name);
  if (!user.groups.empty()) {
    spec.set(arena, version == "v1beta1" ? "group" : "groups", text_list(arena, user.groups));
  }
  if (!user.extra.empty()) {
    api::Value& extra = spec.ensure_object(arena, "extra");
    for (const auto& [key, values] : user.extra) extra.set(arena, key, text_list(arena, values));
  }
  put(spec, "uid", user.uid);
  return spec;
}

Result<std::unique_ptr<WebhookAuthorizer>> WebhookAuthorizer::create(
    const WebhookAuthorizerSpec& spec, const Options& options) {
  if (options.webhooks == nullptr) {
    return errors::bad_request("webhooks cannot be called here");
  }
  if (spec.review_version != "v1" && spec.review_version != "v1beta1") {
    return errors::bad_request("unsupported version of SubjectAccessReview: " +
                               spec.review_version);
  }
  auto target = WebhookTarget::read_kubeconfig(spec.kubeconfig);
  if (!target) return std::unexpected(std::move(target.error()));
  std::vector<Expression> conditions;
  for (const auto& text : spec.conditions) {
    auto compiled = Expression::compile(text, {"request"});
    if (!compiled) return std::unexpected(std::move(compiled.error()));
    conditions.push_back(std::move(*compiled));
  }
  return std::unique_ptr<WebhookAuthorizer>(new WebhookAuthorizer(
      spec, std::move(conditions), *options.webhooks, std::move(*target), options.clock));
}

std::optional<Decision> WebhookAuthorizer::by_conditions(const User& user,
                                                         const Attributes& wanted) const {
  if (conditions_.empty()) return {};
  api::Arena arena;
  const api::Value request = review_spec(arena, "v1", user, wanted);
  std::string error;
  for (const Expression& condition : conditions_) {
    const auto holds = condition.holds({&request, 1});
    if (holds && !*holds) return Decision{};
    if (!holds) error = holds.error().message;
  }
  if (error.empty()) return {};
  return failure(*spec_, error);
}

std::optional<Decision> WebhookAuthorizer::decide(const User& user, const Attributes& wanted,
                                                  bool) {
  if (auto skipped = by_conditions(user, wanted)) return skipped;
  const std::string text = question(spec_->review_version, user, wanted);
  return answers_->get(net::sha256(text), clock_.monotonic());
}

void WebhookAuthorizer::ask(const User& user, const Attributes& wanted, Done done) {
  if (auto skipped = by_conditions(user, wanted)) return done(std::move(*skipped));
  std::string text = question(spec_->review_version, user, wanted);
  const std::string key = net::sha256(text);
  if (auto known = answers_->get(key, clock_.monotonic())) return done(std::move(*known));
  const bool may_keep = text.size() <= kMaxQuestionBytes;
  client_.send(target_, {.body = std::move(text), .timeout = spec_->timeout, .attempts = kAttempts},
               [spec = spec_, answers = answers_, &clock = clock_, key, may_keep,
                done = std::move(done)](Result<WebhookAnswer> answer) {
                 if (!answer) return done(failure(*spec, answer.error().message));
                 Decision decision = read_answer(*spec, *answer);
                 const Duration ttl = decision.verdict == Verdict::kAllow ? spec->authorized_ttl
                                                                          : spec->unauthorized_ttl;
                 if (decision.error.empty() && may_keep && ttl > Duration{}) {
                   answers->put(key, decision, clock.monotonic() + ttl);
                 }
                 done(std::move(decision));
               });
}

void WebhookAuthorizer::list_rules(const User&, const std::string&, RuleSet& out) {
  out.is_incomplete = true;
  out.errors.emplace_back("webhook authorizer does not support user rule resolution");
}

}  // namespace pinnace::apiserver
