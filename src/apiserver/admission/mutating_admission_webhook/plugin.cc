// MutatingAdmissionWebhook: servers of others may change an object, one after the other in the
// order of their configurations' names.
#include "api/json.h"
#include "api/json_patch.h"
#include "apiserver/admission/audit_annotations.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/webhooks/asking.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kName = "MutatingAdmissionWebhook";

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value* configuration) {
  return WebhookState::create(
      backend.store(), "admissionregistration.k8s.io/mutatingwebhookconfigurations", configuration);
}

// The webhooks of one pass over one request.
class Round : public std::enable_shared_from_this<Round> {
 public:
  Round(AdmissionRequestRef request, std::shared_ptr<const Webhooks> webhooks, AdmissionDone done)
      : request_(std::move(request)),
        webhooks_(std::move(webhooks)),
        done_(std::move(done)),
        view_(*request_),
        round_(request_->reinvocation.rounds[kName]) {}

  void start() {
    // What others changed since the last webhook was asked is news to all of them.
    if (request_->reinvocation.is_second && round_.last_output != output()) round_.require();
    next();
  }

 private:
  std::string output() const {
    return request_->object == nullptr ? std::string() : api::to_json_text(*request_->object);
  }

  void next() {
    while (at_ < webhooks_->size()) {
      const Webhook& webhook = (*webhooks_)[at_++];
      place_ = webhook_place(request_->reinvocation.is_second, at_ - 1);
      if (request_->reinvocation.is_second && round_.again.count(webhook.id) == 0) continue;
      auto asked = match_webhook(webhook, view_);
      if (!asked) return done_(std::unexpected(std::move(asked.error())));
      if (!*asked) continue;
      if (!view_.is_provided(*(*asked)->version)) return provide(**asked);
      if (ask(**asked)) return;
    }
    round_.last_output = output();
    done_({});
  }

  void provide(const AskedWebhook& asked) {
    view_.provide(request_, {asked.version}, [self = shared_from_this(), asked](Result<void> ok) {
      if (!ok) return self->done_(std::move(ok));
      if (!self->ask(asked)) self->next();
    });
  }

  // False if its conditions are not met; else the pass goes on, or ends, when it is answered.
  bool ask(const AskedWebhook& asked) {
    const auto meets = meets_conditions(asked, view_);
    if (!meets) {
      done_(std::unexpected(meets.error()));
    } else if (*meets) {
      ask_webhook(asked, view_, true,
                  [self = shared_from_this(), asked](const WebhookOutcome& outcome) {
                    self->answered(asked, outcome);
                  });
    }
    return !meets || *meets;
  }

  void answered(const AskedWebhook& asked, const WebhookOutcome& outcome) {
    if (outcome.failure != WebhookFailure::kNone || !outcome.answer.is_allowed ||
        outcome.answer.patch.empty()) {
      return judge(asked, outcome);
    }
    patch(asked, outcome.answer.patch,
          [self = shared_from_this(), asked, outcome](const Result<bool>& changed) {
            self->note_mutation(*asked.webhook, changed.value_or(false));
            if (changed) return self->judge(asked, outcome);
            self->fail(changed.error());
          });
  }

  void fail(const Error& why) { done_(undecodable(*request_, why)); }

  void judge(const AskedWebhook& asked, const WebhookOutcome& outcome) {
    const Webhook& webhook = *asked.webhook;
    note_mutation(webhook, false);
    if (auto ok = judge_outcome(*request_, webhook, outcome, true, place_); !ok) {
      return done_(std::move(ok));
    }
    if (webhook.reinvokes) round_.invoked.insert(webhook.id);
    next();
  }

  // Once for each webhook: what is said first stays.
  void note_mutation(const Webhook& webhook, bool is_changed) const {
    if (!is_audited(*request_)) return;
    annotate_audit(*request_, "mutation.webhook.admission.k8s.io/" + place_,
                   names_of(webhook) + R"(,"mutated":)" + (is_changed ? "true}" : "false}"));
  }
  void note_patch(const Webhook& webhook, const std::string& text) const {
    if (!is_audited(*request_, audit::Level::kRequest)) return;
    annotate_audit(*request_, "patch.webhook.admission.k8s.io/" + place_,
                   names_of(webhook) + R"(,"patch":)" + text + R"(,"patchType":"JSONPatch"})",
                   audit::Level::kRequest);
  }
  static std::string names_of(const Webhook& webhook) {
    std::string out = R"({"configuration":)";
    api::write_json_string(out, webhook.configuration);
    out += R"(,"webhook":)";
    api::write_json_string(out, webhook.name);
    return out;
  }

  // Tells whether it changed anything.
  void patch(const AskedWebhook& asked, const std::string& text,
             std::function<void(Result<bool>)> done) {
    api::Arena& arena = request_->change.arena;
    if (request_->object == nullptr) {
      return done(errors::bad_request("admission webhook " + quoted(asked.webhook->name) +
                                      " attempted to modify the object, which is not supported for "
                                      "this operation"));
    }
    const auto operations = api::parse_json(arena, text);
    if (!operations) return done(std::unexpected(operations.error()));
    auto objects = view_.objects(*asked.version);
    if (!objects) return done(std::unexpected(std::move(objects.error())));
    const api::Value before = api::deep_copy(arena, *request_->object);
    api::Value object = api::deep_copy(arena, objects->object);
    if (auto ok = api::apply_json_patch(arena, object, *operations); !ok) {
      return done(std::unexpected(std::move(ok.error())));
    }
    if (auto ok = check_identity(*request_, object, *asked.version); !ok) {
      return done_(std::move(ok));
    }
    take_changed_by_asking(request_, object, *asked.version,
                           [self = shared_from_this(), asked, operations = *operations, before,
                            done = std::move(done)](Result<void> ok) {
                             if (!ok) return done(std::unexpected(std::move(ok.error())));
                             done(self->took(asked, operations, before));
                           });
  }

  bool took(const AskedWebhook& asked, const api::Value& operations, const api::Value& before) {
    view_.forget_objects();
    if (!operations.empty()) note_patch(*asked.webhook, api::to_json_text(operations));
    if (api::equal(before, *request_->object)) return false;
    round_.require();
    request_->reinvocation.is_wanted = true;
    return true;
  }

  const AdmissionRequestRef request_;
  const std::shared_ptr<const Webhooks> webhooks_;
  const AdmissionDone done_;
  RequestView view_;
  Reinvocation::Round& round_;
  std::size_t at_ = 0;
  std::string place_;  // Of the webhook that is asked.
};

void ask_webhooks(const AdmissionRequestRef& request, AdmissionDone done) {
  auto webhooks = static_cast<WebhookState&>(*request->state).webhooks.current();
  if (webhooks->empty() || is_admission_configuration(*request)) return done({});
  std::make_shared<Round>(request, std::move(webhooks), std::move(done))->start();
}

}  // namespace

constinit const AdmissionPlugin kMutatingAdmissionWebhook{.name = kName,
                                                          .resources = "",
                                                          .subresources = "*",
                                                          .operations = kAnyOperation,
                                                          .mutate_by_asking = ask_webhooks,
                                                          .configure = configure};

}  // namespace pinnace::apiserver
