// Webhook is one entry of a MutatingWebhookConfiguration or ValidatingWebhookConfiguration, ready
// to be asked.
//
// Errors: what is wrong with an entry is told when it is asked, by its failurePolicy.
// Source: admissionregistration.k8s.io/v1.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/compiled.h"
#include "apiserver/admission/expressions.h"
#include "apiserver/admission/matching.h"
#include "apiserver/webhook/webhook_identities.h"
#include "apiserver/webhook/webhook_service.h"

namespace pinnace::apiserver {

struct Webhook {
  std::string id;  // The configuration's name, the entry's name and its place.
  std::string name, configuration;
  MatchConstraints constraints;
  MatchConditions conditions;
  bool ignores_failure = false;
  bool reinvokes = false;         // reinvocationPolicy: IfNeeded
  bool has_side_effects = false;  // Also in a dry run.
  bool speaks_v1 = true;          // Else admission.k8s.io/v1beta1.
  int timeout_seconds = 10;
  Result<WebhookTargetRef> target;        // Without the time that it has.
  std::optional<WebhookService> service;  // Which the target stands for.
};
using Webhooks = std::vector<Webhook>;

struct WebhookState final : PluginState {
  // `configuration` is the plugin's own, null for none: a WebhookAdmissionConfiguration.
  static Result<std::unique_ptr<PluginState>> create(store::Store& store, std::string resource,
                                                     const api::Value* configuration);
  WebhookState(store::Store& store, std::string resource, WebhookIdentities identities)
      : webhooks(store, {resource},
                 [resource, us = std::move(identities)](const store::Store& from) {
                   return std::make_shared<const Webhooks>(compile(from, resource, us));
                 }) {}
  static Webhooks compile(const store::Store& store, const std::string& resource,
                          const WebhookIdentities& identities);
  Compiled<Webhooks> webhooks;
};

}  // namespace pinnace::apiserver
