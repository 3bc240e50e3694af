#include "apiserver/authorization/authorization_config.h"

#include <algorithm>

#include "api/time.h"
#include "api/yaml.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"
#include "io/files.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::string_view kGroup = "apiserver.config.k8s.io/";
constexpr Duration kMaxTimeout = std::chrono::seconds(30);

Unexpected bad(const std::string& field, std::string_view why) {
  return errors::bad_request(field + ": " + std::string(why));
}

// A duration member; `fallback` where it is missing.
Result<Duration> duration_at(const api::Value& from, const std::string& path,
                             std::string_view member, Duration fallback) {
  const auto* value = from.find(member);
  if (value == nullptr || value->is_null()) return fallback;
  const auto parsed = value->is_string() ? api::parse_duration(value->as_string()) : std::nullopt;
  if (!parsed || *parsed < Duration{}) {
    return bad(path + "." + std::string(member), "must be a duration of at least 0s");
  }
  return *parsed;
}

Result<void> read_connection(const api::Value& webhook, const std::string& path,
                             WebhookAuthorizerSpec& spec) {
  const auto* info = webhook.find("connectionInfo");
  const std::string_view type = info == nullptr ? "" : info->string_at("type");
  if (type != "KubeConfigFile") {
    return bad(path + ".connectionInfo.type",
               "Unsupported value: " + quoted(type) + ": supported values: \"KubeConfigFile\"");
  }
  spec.kubeconfig = info->string_at("kubeConfigFile");
  if (spec.kubeconfig.empty()) {
    return bad(path + ".connectionInfo.kubeConfigFile", "Required value");
  }
  return {};
}

Result<void> read_policies(const api::Value& webhook, const std::string& path,
                           WebhookAuthorizerSpec& spec) {
  spec.review_version = webhook.string_at("subjectAccessReviewVersion");
  if (spec.review_version != "v1" && spec.review_version != "v1beta1") {
    return bad(path + ".subjectAccessReviewVersion",
               "Unsupported value: " + quoted(spec.review_version) +
                   ": supported values: \"v1\", \"v1beta1\"");
  }
  const std::string_view failure = webhook.string_at("failurePolicy");
  if (failure != "Deny" && failure != "NoOpinion") {
    return bad(path + ".failurePolicy", "Unsupported value: " + quoted(failure) +
                                            ": supported values: \"Deny\", \"NoOpinion\"");
  }
  spec.denies_on_failure = failure == "Deny";
  const auto* conditions = webhook.find("matchConditions");
  if (conditions == nullptr || !conditions->is_array()) return {};
  for (const auto& condition : conditions->items()) {
    const std::string_view expression = condition.string_at("expression");
    if (expression.empty()) return bad(path + ".matchConditions.expression", "Required value");
    spec.conditions.emplace_back(expression);
  }
  return {};
}

Result<WebhookAuthorizerSpec> read_webhook(const api::Value& entry, const std::string& path) {
  WebhookAuthorizerSpec spec;
  spec.name = entry.string_at("name");
  const auto* webhook = entry.find("webhook");
  if (webhook == nullptr || !webhook->is_object()) return bad(path + ".webhook", "Required value");
  const std::string below = path + ".webhook";
  auto authorized = duration_at(*webhook, below, "authorizedTTL", std::chrono::minutes(5));
  auto unauthorized = duration_at(*webhook, below, "unauthorizedTTL", std::chrono::seconds(30));
  auto timeout = duration_at(*webhook, below, "timeout", Duration{});
  for (const auto* each : {&authorized, &unauthorized, &timeout}) {
    if (!*each) return std::unexpected(each->error());
  }
  if (*timeout <= Duration{} || *timeout > kMaxTimeout) {
    return bad(below + ".timeout", "must be more than 0s and at most 30s");
  }
  spec.timeout = *timeout;
  spec.authorized_ttl =
      webhook->bool_at("cacheAuthorizedRequests", true) ? *authorized : Duration{};
  spec.unauthorized_ttl =
      webhook->bool_at("cacheUnauthorizedRequests", true) ? *unauthorized : Duration{};
  if (auto ok = read_policies(*webhook, below, spec); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (auto ok = read_connection(*webhook, below, spec); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return spec;
}

constexpr std::string_view kTypes[] = {"AlwaysAllow", "AlwaysDeny", "Node",
                                       "RBAC",        "ABAC",       "Webhook"};

}  // namespace

Result<std::vector<AuthorizerSpec>> parse_authorization_config(std::string_view text) {
  api::Arena arena;
  const auto config = api::parse_yaml(arena, text);
  if (!config) return std::unexpected(config.error());
  if (!config->string_at("apiVersion").starts_with(kGroup) ||
      config->string_at("kind") != "AuthorizationConfiguration") {
    return errors::bad_request(
        "must be an AuthorizationConfiguration of apiserver.config.k8s.io/v1");
  }
  std::vector<AuthorizerSpec> out;
  std::vector<std::string> names;
  const auto* list = config->find("authorizers");
  if (list == nullptr || !list->is_array() || list->empty()) {
    return bad("authorizers", "Required value: at least one authorization mode must be defined");
  }
  for (const auto& entry : list->items()) {
    const std::string path = "authorizers[" + std::to_string(out.size()) + "]";
    const std::string type(entry.string_at("type"));
    if (std::ranges::find(kTypes, type) == std::end(kTypes)) {
      return bad(path + ".type", "Unsupported value: " + quoted(type));
    }
    const bool is_twice =
        std::ranges::any_of(out, [&](const AuthorizerSpec& other) { return other.type == type; });
    if (is_twice && type != "Webhook")
      return bad(path + ".type", "Duplicate value: " + quoted(type));
    const std::string name(entry.string_at("name"));
    if (name.empty()) return bad(path + ".name", "Required value");
    if (std::ranges::find(names, name) != names.end()) {
      return bad(path + ".name", "Duplicate value: " + quoted(name));
    }
    names.push_back(name);
    AuthorizerSpec spec{type, {}};
    if (type == "Webhook") {
      auto webhook = read_webhook(entry, path);
      if (!webhook) return std::unexpected(std::move(webhook.error()));
      spec.webhook = std::move(*webhook);
    } else if (entry.find("webhook") != nullptr) {
      return bad(path + ".webhook", "may only be specified when type=Webhook");
    }
    out.push_back(std::move(spec));
  }
  return out;
}

Result<std::vector<AuthorizerSpec>> authorizers_of(const Configuration& configuration) {
  const AuthorizationSettings& settings = configuration.authorization;
  if (!settings.config_file.empty()) {
    auto text = io::read_file(settings.config_file, kMaxFileBytes);
    if (!text) return std::unexpected(std::move(text.error()));
    auto parsed = parse_authorization_config(*text);
    if (!parsed) {
      parsed.error().message = settings.config_file + ": " + parsed.error().message;
    }
    return parsed;
  }
  std::vector<AuthorizerSpec> out;
  for (const std::string& mode : settings.modes) {
    if (std::ranges::find(kTypes, mode) == std::end(kTypes)) {
      return errors::bad_request("authorization-mode " + quoted(mode) + " is not a valid mode");
    }
    if (std::ranges::count(settings.modes, mode) > 1) {
      return errors::bad_request("authorization-mode " + quoted(mode) +
                                 " has mode specified more than once");
    }
    AuthorizerSpec spec{mode, {}};
    if (mode == "Webhook") {
      if (settings.webhook_config_file.empty()) {
        return errors::bad_request(
            "authorization-mode Webhook's authorization config file not passed");
      }
      spec.webhook.kubeconfig = settings.webhook_config_file;
      spec.webhook.review_version = settings.webhook_version;
      spec.webhook.authorized_ttl = settings.webhook_authorized_ttl;
      spec.webhook.unauthorized_ttl = settings.webhook_unauthorized_ttl;
    }
    if (mode == "ABAC" && settings.policy_file.empty()) {
      return errors::bad_request("authorization-mode ABAC's authorization policy file not passed");
    }
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace pinnace::apiserver
