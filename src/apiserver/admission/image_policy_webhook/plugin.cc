// ImagePolicyWebhook: a server outside says which images may run.
//
// Bounds: answers are remembered for allowTTL and denyTTL, at most kMaxRemembered; more, and all
//   are forgotten.
// Source: imagepolicy.k8s.io/v1alpha1.
#include <map>
#include <mutex>

#include "api/json.h"
#include "apiserver/admission/audit_annotations.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/webhook/webhook_client.h"
#include "apiserver/webhook/webhook_refusal.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxRemembered = 1024;
constexpr std::string_view kAnnotations = ".image-policy.k8s.io/";
constexpr Duration kTimeout = std::chrono::seconds(30);

constexpr const char* kAuditPrefix = "imagepolicywebhook.image-policy.k8s.io/";
constexpr std::string_view kFailedOpen = "alpha.image-policy.k8s.io/failed-open";

struct ImageVerdict {
  bool allowed = false;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> audit_annotations;
};

struct State final : PluginState {
  WebhookTargetRef target;
  bool allows_by_default = false;
  Duration allow_for{}, deny_for{};

  std::optional<ImageVerdict> recall(const std::string& review, MonotonicTime now) {
    const std::lock_guard lock(mutex);
    const auto found = remembered.find(review);
    if (found == remembered.end() || found->second.second < now) return std::nullopt;
    return found->second.first;
  }
  void remember(const std::string& review, const ImageVerdict& verdict, MonotonicTime now) {
    const std::lock_guard lock(mutex);
    if (remembered.size() >= kMaxRemembered) remembered.clear();
    remembered[review] = {verdict, now + (verdict.allowed ? allow_for : deny_for)};
  }

 private:
  std::mutex mutex;
  std::map<std::string, std::pair<ImageVerdict, MonotonicTime>> remembered;
};

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value* configuration) {
  const auto* policy = configuration == nullptr ? nullptr : configuration->find("imagePolicy");
  if (policy == nullptr) return errors::bad_request("imagePolicy: Required value");
  auto target = WebhookTarget::read_kubeconfig(std::string(policy->string_at("kubeConfigFile")));
  if (!target) return std::unexpected(std::move(target.error()));
  if (backend.options.webhooks == nullptr) {
    return errors::bad_request("webhooks cannot be called here");
  }
  auto state = std::make_unique<State>();
  state->target = std::move(*target);
  state->allows_by_default = policy->bool_at("defaultAllow");
  state->allow_for = std::chrono::seconds(policy->int_at("allowTTL", 300));
  state->deny_for = std::chrono::seconds(policy->int_at("denyTTL", 30));
  return state;
}

// The ImageReview of a pod.
std::string review_of(const AdmissionRequest& request) {
  std::string out = R"({"kind":"ImageReview","apiVersion":"imagepolicy.k8s.io/v1alpha1",)"
                    R"("spec":{"containers":[)";
  bool is_first = true;
  // What runs already was asked about before.
  const bool adds_ephemeral = request.change.subresource == "ephemeralcontainers";
  for (const ContainerList& list : {kContainerLists[1], kContainerLists[0], kContainerLists[2]}) {
    if ((list.field == "ephemeralContainers") != adds_ephemeral) continue;
    for (const auto& container : items_at(request.object->find("spec"), list.field)) {
      out += is_first ? R"({"image":)" : R"(,{"image":)";
      api::write_json_string(out, container.string_at("image"));
      out += '}';
      is_first = false;
    }
  }
  out += R"(],"annotations":{)";
  is_first = true;
  for (const auto& [key, value] : members_at(request.object->find("metadata"), "annotations")) {
    if (key.find(kAnnotations) == std::string_view::npos || !value.is_string()) continue;
    if (!is_first) out += ',';
    api::write_json_string(out, key);
    out += ':';
    api::write_json_string(out, value.as_string());
    is_first = false;
  }
  out += R"(},"namespace":)";
  api::write_json_string(out, request.change.ns);
  return out + "}}";
}

Result<ImageVerdict> read_verdict(const Result<WebhookAnswer>& answer) {
  if (!answer) return std::unexpected(answer.error());
  if (!is_success(*answer)) return errors::unavailable(refusal_of(*answer));
  api::Arena arena;
  const auto review = api::parse_json(arena, answer->body);
  if (!review) return std::unexpected(review.error());
  const auto* status = review->find("status");
  if (status == nullptr) return errors::unavailable("the image policy webhook gave no status");
  ImageVerdict verdict{status->bool_at("allowed"), std::string(status->string_at("reason")), {}};
  for (const auto& [key, value] : members_at(status, "auditAnnotations")) {
    if (value.is_string()) verdict.audit_annotations.emplace_back(key, value.as_string());
  }
  return verdict;
}

// Nobody said that the images may run: the audit log and the pod tell.
void note_failed_open(AdmissionRequest& request) {
  annotate_audit(request, std::string(kAuditPrefix) + "failed-open", "true");
  api::Arena& arena = request.change.arena;
  meta_of(arena, *request.object)
      .ensure_object(arena, "annotations")
      .set_ref(arena, kFailedOpen, api::Value::string_ref("true"));
}

Result<void> judge(const AdmissionRequest& request, const ImageVerdict& verdict) {
  for (const auto& [key, value] : verdict.audit_annotations) {
    annotate_audit(request, kAuditPrefix + key, value);
  }
  if (verdict.allowed) return {};
  if (verdict.reason.empty()) {
    return admission_refusal(request.change, "one or more images rejected by webhook backend");
  }
  return admission_refusal(
      request.change, "image policy webhook backend denied one or more images: " + verdict.reason);
}

void ask(const AdmissionRequestRef& request, AdmissionDone done) {
  auto& state = static_cast<State&>(*request->state);
  Backend& backend = request->change.backend;
  const std::string review = review_of(*request);
  const Clock& clock = backend.options.clock;
  if (const auto known = state.recall(review, clock.monotonic())) {
    return done(judge(*request, *known));
  }
  WebhookRequest call;
  call.body = review;
  call.timeout = kTimeout;
  backend.options.webhooks->send(
      state.target, std::move(call),
      [request, &state, &clock, review, done = std::move(done)](const auto& answer) {
        const auto verdict = read_verdict(answer);
        if (!verdict) {
          if (state.allows_by_default) {
            note_failed_open(*request);
            return done({});
          }
          return done(admission_refusal(request->change, verdict.error().message));
        }
        state.remember(review, *verdict, clock.monotonic());
        done(judge(*request, *verdict));
      });
}

}  // namespace

constinit const AdmissionPlugin kImagePolicyWebhook{.name = "ImagePolicyWebhook",
                                                    .resources = "pods",
                                                    .subresources = "ephemeralcontainers",
                                                    .operations = kWrites,
                                                    .validate_by_asking = ask,
                                                    .configure = configure};

}  // namespace pinnace::apiserver
