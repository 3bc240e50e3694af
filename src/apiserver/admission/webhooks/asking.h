// Asks one webhook about one request.
//
// Threads: `ask` on the thread that owns the request; `done` on any, once.
#pragma once

#include <functional>

#include "apiserver/admission/webhooks/review.h"
#include "apiserver/admission/webhooks/webhook.h"

namespace pinnace::apiserver {

// Why there is no answer that counts, and what to do about it.
enum class WebhookFailure {
  kNone,       // It answered; `answer` says what.
  kNoAnswer,   // It could not be asked or understood: failurePolicy decides.
  kForbidden,  // It may not be asked; the request ends.
};

struct WebhookOutcome {
  WebhookFailure failure = WebhookFailure::kNone;
  ReviewAnswer answer;
  Error error;
};
using WebhookAsked = std::function<void(WebhookOutcome)>;

// A webhook that the request concerns, with the version in which it sees it.
struct AskedWebhook {
  const Webhook* webhook;
  const api::ResourceInfo* version;
};
Result<std::optional<AskedWebhook>> match_webhook(const Webhook& webhook, RequestView& view);
// What its conditions say. The version's objects must have been provided, here and for
// `ask_webhook`.
Result<bool> meets_conditions(const AskedWebhook& asked, RequestView& view);

void ask_webhook(const AskedWebhook& asked, RequestView& view, bool is_mutating, WebhookAsked done);

// What the outcome means for the request: nothing, or the Error that ends it. `place` is where the
// audit log says the webhook stands: "round_0_index_2".
Result<void> judge_outcome(const AdmissionRequest& request, const Webhook& webhook,
                           const WebhookOutcome& outcome, bool is_mutating,
                           const std::string& place);
// "round_0_index_2"
std::string webhook_place(bool is_second_round, std::size_t index);

}  // namespace pinnace::apiserver
