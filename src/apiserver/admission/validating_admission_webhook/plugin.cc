// ValidatingAdmissionWebhook: servers of others may refuse an object. All are asked at once.
#include <mutex>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/webhooks/asking.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

Result<std::unique_ptr<PluginState>> configure(Backend& backend,
                                               const api::Value* configuration) {
  return WebhookState::create(backend.store(),
                              "admissionregistration.k8s.io/validatingwebhookconfigurations",
                              configuration);
}

// Waits for all answers; the last one to come judges, in the order of the webhooks.
struct Poll : std::enable_shared_from_this<Poll> {
  Poll(AdmissionRequestRef of, std::shared_ptr<const Webhooks> all, AdmissionDone told)
      : request(std::move(of)),
        webhooks(std::move(all)),
        done(std::move(told)),
        view(*request) {}

  const AdmissionRequestRef request;
  const std::shared_ptr<const Webhooks> webhooks;
  const AdmissionDone done;
  RequestView view;
  std::vector<AskedWebhook> asked;
  std::vector<WebhookOutcome> outcomes;
  std::mutex mutex;
  std::size_t missing = 0;

  void start() {
    std::vector<const api::ResourceInfo*> versions;
    for (const Webhook& webhook : *webhooks) {
      auto matched = match_webhook(webhook, view);
      if (!matched) return done(std::unexpected(std::move(matched.error())));
      if (!*matched) continue;
      asked.push_back(**matched);
      versions.push_back((*matched)->version);
    }
    view.provide(request, std::move(versions), [self = shared_from_this()](Result<void> ok) {
      if (!ok) return self->done(std::move(ok));
      self->ask();
    });
  }

  void ask() {
    Result<void> ok;
    std::erase_if(asked, [&](const AskedWebhook& each) {
      const auto meets = meets_conditions(each, view);
      if (!meets && ok) ok = std::unexpected(meets.error());
      return !meets || !*meets;
    });
    if (!ok || asked.empty()) return done(std::move(ok));
    // One more than there are, so that nobody goes on while we still read the request.
    missing = asked.size() + 1;
    outcomes.resize(missing);
    for (std::size_t i = 0; i < asked.size(); ++i) {
      ask_webhook(asked[i], view, false, [self = shared_from_this(), i](WebhookOutcome outcome) {
        self->take(i, std::move(outcome));
      });
    }
    take(asked.size(), {});
  }

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
  std::make_shared<Poll>(request, std::move(webhooks), std::move(done))->start();
}

}  // namespace

constinit const AdmissionPlugin kValidatingAdmissionWebhook{.name = "ValidatingAdmissionWebhook",
                                                            .resources = "",
                                                            .subresources = "*",
                                                            .operations = kAnyOperation,
                                                            .validate_by_asking = ask_webhooks,
                                                            .configure = configure};

}  // namespace pinnace::apiserver
