// Where a webhook is, as the clientConfig of a configuration or of a CustomResourceDefinition says:
// at a URL, or behind a Service.
#pragma once

#include <optional>
#include <string>

#include "api/value.h"
#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {

struct Backend;

struct WebhookService {
  std::string ns, name;
  int port = 443;
};

struct WebhookPlace {
  WebhookTargetOptions options;  // The URL and whom to trust; the Service's is NAME.NS.svc.
  std::optional<WebhookService> service;  // Which the URL stands for.
};

// 400 where `config` is none, or its caBundle cannot be read.
Result<WebhookPlace> read_webhook_place(const api::Value* config);

// `request` goes to one of the addresses behind the Service, chosen by chance; 503 where there is
// no such Service, or nothing behind it. Without a Service it goes where the URL says.
Result<void> dial_service(Backend& backend, const std::optional<WebhookService>& service,
                          WebhookRequest& request);

}  // namespace pinnace::apiserver
