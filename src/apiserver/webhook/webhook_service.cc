#include "apiserver/webhook/webhook_service.h"

#include "apiserver/backend.h"
#include "apiserver/proxy/service_proxy.h"
#include "base/strings.h"

namespace pinnace::apiserver {

Result<WebhookPlace> read_webhook_place(const api::Value* config) {
  if (config == nullptr) return errors::bad_request("webhook has no clientConfig");
  WebhookPlace place;
  auto bundle = base64_decode(config->string_at("caBundle"));
  if (!bundle) return errors::bad_request("caBundle is not base64");
  place.options.ca_pem = std::move(*bundle);
  place.options.url = config->string_at("url");
  const auto* named = config->find("service");
  if (named == nullptr || !named->is_object()) return place;
  const WebhookService& service = place.service.emplace(WebhookService{
      std::string(named->string_at("namespace")), std::string(named->string_at("name")),
      static_cast<int>(named->int_at("port", 443))});
  const std::string_view path = named->string_at("path");
  place.options.url = "https://" + service.name + "." + service.ns +
                      ".svc:" + std::to_string(service.port) + (path.starts_with('/') ? "" : "/") +
                      std::string(path);
  return place;
}

Result<void> dial_service(Backend& backend, const std::optional<WebhookService>& service,
                          WebhookRequest& request) {
  if (!service) return {};
  const auto addresses = service_addresses(backend.store(), service->ns,
                                           {"https", service->name, std::to_string(service->port)});
  if (!addresses) {
    if (!addresses.error().is("NotFound")) return std::unexpected(addresses.error());
    return errors::unavailable("service \"" + service->name + "\" not found");
  }
  if (addresses->empty()) {
    return errors::unavailable("no endpoints available for service \"" + service->name + "\"");
  }
  const auto& chosen = (*addresses)[backend.options.rng.below(addresses->size())];
  request.dial_host = chosen.host;
  request.dial_port = chosen.port;
  return {};
}

}  // namespace pinnace::apiserver
