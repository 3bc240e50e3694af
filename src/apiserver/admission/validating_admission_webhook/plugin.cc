// ValidatingAdmissionWebhook: servers of others may refuse an object. All are asked at once.
#include <mutex>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/webhooks/asking.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value*) {
  return std::make_unique<WebhookState>(
      backend.store(), "admissionregistration.k8s.io/validatingwebhookconfigurations");
}

// Waits for all answers; the last one to come judges, in the order of the webhooks.
struct Poll {
  AdmissionRequestRef request;
  std::shared_ptr<const Webhooks> webhooks;
  AdmissionDone done;
  std::vector<AskedWebhook> asked;
  std::vector<WebhookOutcome> outcomes;
  std::mutex mutex;
  std::size_t missing = 0;

  void take(std::size_t at, WebhookOutcome outcome) {
    {
      const std::lock_guard lock(mutex);
      outcomes[at] = std::move(outcome);
      if (--missing != 0) return;
    }
    Result<void> verdict;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      auto ok =
          judge_outcome(*request, *asked[i].webhook, outcomes[i], false, webhook_place(false, i));
      if (!ok && verdict) verdict = std::move(ok);
    }
    done(std::move(verdict));
  }
};

void ask_webhooks(const AdmissionRequestRef& request, AdmissionDone done) {
  auto webhooks = static_cast<WebhookState&>(*request->state).webhooks.current();
  if (webhooks->empty() || is_admission_configuration(*request)) return done({});
  RequestView view(*request);
  auto poll = std::make_shared<Poll>();
  for (const Webhook& webhook : *webhooks) {
    auto asked = match_webhook(webhook, view);
    if (!asked) return done(std::unexpected(std::move(asked.error())));
    if (*asked) poll->asked.push_back(**asked);
  }
  if (poll->asked.empty()) return done({});
  poll->request = request;
  poll->webhooks = std::move(webhooks);
  poll->done = std::move(done);
  poll->outcomes.resize(poll->asked.size());
  // One more than there are, so that nobody goes on while we still read the request.
  poll->missing = poll->asked.size() + 1;
  poll->outcomes.emplace_back();
  for (std::size_t i = 0; i < poll->asked.size(); ++i) {
    ask_webhook(poll->asked[i], view, false,
                [poll, i](WebhookOutcome outcome) { poll->take(i, std::move(outcome)); });
  }
  poll->take(poll->asked.size(), {});
}

}  // namespace

constinit const AdmissionPlugin kValidatingAdmissionWebhook{.name = "ValidatingAdmissionWebhook",
                                                            .resources = "",
                                                            .subresources = "*",
                                                            .operations = kAnyOperation,
                                                            .validate_by_asking = ask_webhooks,
                                                            .configure = configure};

}  // namespace pinnace::apiserver
