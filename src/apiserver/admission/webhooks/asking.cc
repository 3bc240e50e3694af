#include "apiserver/admission/webhooks/asking.h"

#include <algorithm>

#include "apiserver/admission/audit_annotations.h"
#include "apiserver/backend.h"
#include "apiserver/webhook/webhook_review.h"
#include "apiserver/webhook/webhook_service.h"
#include "base/log.h"

namespace pinnace::apiserver {
namespace {

// What changes an object has no more than this for all who are asked.
constexpr Duration kChangeAtMost = std::chrono::seconds(34);

// One question under way: what is left of it once the request's thread has gone on.
struct Question {
  Backend& backend;
  std::string name, type, operation, uid;
  bool is_v1, is_mutating;
  MonotonicTime start;
  WebhookAsked done;

  void count(const WebhookOutcome& outcome, int status) const {
    auto& metrics = backend.options.metrics;
    const bool rejected = outcome.failure != WebhookFailure::kNone || !outcome.answer.is_allowed;
    const auto took = backend.options.clock.monotonic() - start;
    metrics
        .histogram("apiserver_admission_webhook_admission_duration_seconds",
                   "Time that an admission webhook took.", {0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25},
                   {"name", "type", "operation", "rejected"})
        .with({name, type, operation, rejected ? "true" : "false"})
        .observe(std::chrono::duration<double>(took).count());
    metrics
        .counter("apiserver_admission_webhook_request_total", "Calls of admission webhooks.",
                 {"name", "type", "operation", "code", "rejected"})
        .with({name, type, operation, std::to_string(status), rejected ? "true" : "false"})
        .add(1);
    if (!rejected) return;
    metrics
        .counter("apiserver_admission_webhook_rejection_count", "Refusals by admission webhooks.",
                 {"name", "type", "operation", "error_type", "rejection_code"})
        .with({name, type, operation,
               outcome.failure == WebhookFailure::kNone ? "no_error" : "calling_webhook_error",
               outcome.failure == WebhookFailure::kNone ? std::to_string(outcome.answer.denial.code)
                                                        : "0"})
        .add(1);
  }
};

WebhookOutcome failed(std::string why) {
  WebhookOutcome outcome;
  outcome.failure = WebhookFailure::kNoAnswer;
  outcome.error.message = std::move(why);
  return outcome;
}

WebhookOutcome read_answer(const Question& question, const Result<WebhookAnswer>& answer) {
  if (!answer) return failed("failed to call webhook: " + answer.error().message);
  if (const std::string why = problem_of_answer(*answer); !why.empty()) {
    return failed("failed to call webhook: " + why);
  }
  auto review = parse_review(answer->body, question.is_v1, question.uid, question.is_mutating);
  if (!review) return failed(std::move(review.error().message));
  WebhookOutcome outcome;
  outcome.answer = std::move(*review);
  return outcome;
}

// The webhook's own time, or what is left of the request if that is less.
Duration time_for(const Webhook& webhook, const Call& call, MonotonicTime now) {
  const Duration own = std::chrono::seconds(webhook.timeout_seconds);
  Duration left = call.received_at + kChangeAtMost - now;
  if (call.ends_at) left = std::min(left, *call.ends_at - now);
  return std::clamp(left, Duration::zero(), own);
}

}  // namespace

Result<std::optional<AskedWebhook>> match_webhook(const Webhook& webhook, RequestView& view) {
  const auto version = find_match(webhook.constraints, view);
  if (!version) return std::unexpected(version.error());
  if (*version == nullptr) return std::nullopt;
  return AskedWebhook{&webhook, *version};
}

Result<bool> meets_conditions(const AskedWebhook& asked, RequestView& view) {
  const Webhook& webhook = *asked.webhook;
  if (webhook.conditions.empty()) return true;
  auto input = ExpressionInput::create(view, *asked.version, cel::kMatchConditionsCostBudget);
  if (!input) return std::unexpected(std::move(input.error()));
  const auto matches = webhook.conditions.match(**input);
  if (matches) return *matches;
  if (webhook.ignores_failure) return false;
  return admission_refusal(view.request().change, matches.error().message);
}

void ask_webhook(const AskedWebhook& asked, RequestView& view, bool is_mutating,
                 WebhookAsked done) {
  const Webhook& webhook = *asked.webhook;
  AdmissionRequest& request = view.request();
  Change& change = request.change;
  Backend& backend = change.backend;
  if (change.dry_run && webhook.has_side_effects) {
    WebhookOutcome outcome;
    outcome.failure = WebhookFailure::kForbidden;
    outcome.error =
        errors::bad_request("admission webhook \"" + webhook.name + "\" does not support dry run")
            .error();
    return done(std::move(outcome));
  }
  if (!webhook.target) return done(failed(webhook.target.error().message));
  if (backend.options.webhooks == nullptr) return done(failed("webhooks cannot be called here"));
  const auto objects = view.objects(*asked.version);
  if (!objects) return done(failed(objects.error().message));
  api::Value described = view.describe(*asked.version);
  described.set_ref(change.arena, "object", objects->object);
  described.set_ref(change.arena, "oldObject", objects->old);
  auto question = std::make_shared<Question>(
      Question{backend, webhook.name, is_mutating ? "admit" : "validating",
               std::string(operation_name(request.operation)), make_uuid(backend.options.rng),
               webhook.speaks_v1, is_mutating, backend.options.clock.monotonic(), std::move(done)});
  WebhookRequest call;
  call.body = review_text(webhook.speaks_v1, question->uid, described);
  call.timeout = time_for(webhook, change.call, question->start);
  // Who is asked is told how long we wait, in whole seconds.
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(call.timeout).count();
  const WebhookTargetRef target =
      (*webhook.target)->with_parameter("timeout=" + std::to_string(seconds) + "s");
  if (auto ok = dial_service(backend, webhook.service, call); !ok) {
    return question->done(
        failed("failed to call webhook: " + webhook_failure(*target, ok.error().message)));
  }
  backend.options.webhooks->send(target, std::move(call),
                                 [question](const Result<WebhookAnswer>& answer) {
                                   auto outcome = read_answer(*question, answer);
                                   question->count(outcome, answer ? answer->status : 0);
                                   question->done(std::move(outcome));
                                 });
}

std::string webhook_place(bool is_second_round, std::size_t index) {
  return (is_second_round ? "round_1_index_" : "round_0_index_") + std::to_string(index);
}

Result<void> judge_outcome(const AdmissionRequest& request, const Webhook& webhook,
                           const WebhookOutcome& outcome, bool is_mutating,
                           const std::string& place) {
  switch (outcome.failure) {
    case WebhookFailure::kForbidden:
      return std::unexpected(outcome.error);
    case WebhookFailure::kNoAnswer: {
      const std::string why =
          "failed calling webhook \"" + webhook.name + "\": " + outcome.error.message;
      if (!webhook.ignores_failure) return errors::internal("Internal error occurred: " + why);
      log::warning("a webhook failed and its failurePolicy is Ignore", {{"why", why}});
      request.change.backend.options.metrics
          .counter("apiserver_admission_webhook_fail_open_count",
                   "Failures of admission webhooks that were ignored.", {"name", "type"})
          .with({webhook.name, is_mutating ? "admit" : "validating"})
          .add(1);
      annotate_audit(request,
                     (is_mutating ? "failed-open.mutation.webhook.admission.k8s.io/"
                                  : "failed-open.validating.webhook.admission.k8s.io/") +
                         place,
                     webhook.name);
      return {};
    }
    case WebhookFailure::kNone:
      break;
  }
  for (const auto& [key, value] : outcome.answer.audit_annotations) {
    annotate_audit(request, webhook.name + "/" + key, value);
  }
  for (const auto& warning : outcome.answer.warnings) {
    request.change.call.warnings.push_back(warning);
  }
  if (outcome.answer.is_allowed) return {};
  return std::unexpected(denial_of(webhook.name, outcome.answer.denial));
}

}  // namespace pinnace::apiserver
