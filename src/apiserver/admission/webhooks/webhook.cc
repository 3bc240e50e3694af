#include "apiserver/admission/webhooks/webhook.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// The first version of AdmissionReview in the list that is spoken here.
Result<bool> speaks_v1(const api::Value& entry) {
  for (const auto& version : items_at(&entry, "admissionReviewVersions")) {
    if (!version.is_string()) continue;
    if (version.as_string() == "v1") return true;
    if (version.as_string() == "v1beta1") return false;
  }
  if (entry.find("admissionReviewVersions") == nullptr) return false;
  return errors::bad_request(
      "webhook does not accept known AdmissionReview versions (v1, v1beta1)");
}

Result<WebhookTargetRef> target_of(const api::Value& entry, const WebhookIdentities& identities,
                                   Webhook& webhook) {
  auto place = read_webhook_place(entry.find("clientConfig"));
  if (!place) return std::unexpected(std::move(place.error()));
  if (const auto url = net::parse_url(place->options.url)) {
    identities.identify(url->host, url->port, place->options);
  }
  webhook.service = std::move(place->service);
  return WebhookTarget::create(std::move(place->options));
}

Webhook compile_one(const api::Value& entry, const WebhookIdentities& identities,
                    const std::string& configuration, std::size_t place) {
  static const cel::Environment kEnvironment = cel::admission_environment({});
  Webhook webhook;
  webhook.name = entry.string_at("name");
  webhook.configuration = configuration;
  webhook.id = configuration + "/" + webhook.name + "/" + std::to_string(place);
  webhook.ignores_failure = entry.string_at("failurePolicy") == "Ignore";
  webhook.reinvokes = entry.string_at("reinvocationPolicy") == "IfNeeded";
  const std::string_view effects = entry.string_at("sideEffects");
  webhook.has_side_effects = effects != "None" && effects != "NoneOnDryRun";
  webhook.timeout_seconds = static_cast<int>(entry.int_at("timeoutSeconds", 10));
  webhook.conditions = MatchConditions::parse(entry.find("matchConditions"), kEnvironment);
  webhook.target = target_of(entry, identities, webhook);
  auto constraints = parse_match_constraints(entry, "rules");
  if (!constraints) {
    webhook.target = std::unexpected(constraints.error());
    webhook.constraints.rules = parse_match_rules(entry.find("rules"));
  } else {
    webhook.constraints = std::move(*constraints);
  }
  const auto version = speaks_v1(entry);
  if (!version)
    webhook.target = std::unexpected(version.error());
  else
    webhook.speaks_v1 = *version;
  return webhook;
}

}  // namespace

Result<std::unique_ptr<PluginState>> WebhookState::create(store::Store& store, std::string resource,
                                                          const api::Value* configuration) {
  WebhookIdentities identities;
  if (configuration != nullptr) {
    constexpr std::string_view kGroup = "apiserver.config.k8s.io";
    const bool is_old = configuration->string_at("kind") == "WebhookAdmission";
    auto ok = is_old
                  ? check_configuration_kind(*configuration, kGroup, "v1alpha1", "WebhookAdmission")
                  : check_configuration_kind(*configuration, kGroup, "v1",
                                             "WebhookAdmissionConfiguration");
    if (!ok) return std::unexpected(std::move(ok.error()));
    const std::string path(configuration->string_at("kubeConfigFile"));
    if (!path.starts_with('/')) {
      return errors::bad_request("kubeConfigFile: Invalid value: " + quoted(path) +
                                 ": must be an absolute file path");
    }
    auto read = WebhookIdentities::read(path);
    if (!read) return std::unexpected(std::move(read.error()));
    identities = std::move(*read);
  }
  return std::make_unique<WebhookState>(store, std::move(resource), std::move(identities));
}

Webhooks WebhookState::compile(const store::Store& store, const std::string& resource,
                               const WebhookIdentities& identities) {
  Webhooks out;
  const auto stored = store.list(resource, "");
  if (!stored) return out;
  for (const auto& object : stored->objects) {
    api::Arena arena;
    const auto parsed = parse_stored(arena, *object);
    if (!parsed) continue;
    std::size_t place = 0;
    for (const auto& entry : items_at(&*parsed, "webhooks")) {
      out.push_back(compile_one(entry, identities, object->key.name, place++));
    }
  }
  return out;
}

}  // namespace pinnace::apiserver
