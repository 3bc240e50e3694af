#include "apiserver/authorization/authorization_config.h"

#include <algorithm>

#include "api/names.h"
#include "api/time.h"
#include "api/yaml.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::string_view kGroup = "apiserver.config.k8s.io/";
constexpr Duration kMaxTimeout = std::chrono::seconds(30);
constexpr std::size_t kMaxConditions = 64;

Unexpected bad(const std::string& field, std::string_view why) {
  return errors::bad_request(field + ": " + std::string(why));
}

Unexpected bad(const Cause& cause) { return bad(cause.field, cause.message); }

// A text that must be there, and be one of these.
Result<void> check_choice(const std::string& field, std::string_view text,
                          const std::vector<std::string>& choices) {
  if (text.empty()) return bad(cause::required(field));
  if (std::ranges::find(choices, text) != choices.end()) return {};
  return bad(cause::not_supported(field, quoted(text), choices));
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
  // This server is in no pod.
  if (auto ok = check_choice(path + ".connectionInfo.type", type, {"KubeConfigFile"}); !ok) {
    return ok;
  }
  const std::string field = path + ".connectionInfo.kubeConfigFile";
  spec.kubeconfig = info->string_at("kubeConfigFile");
  if (spec.kubeconfig.empty()) return bad(cause::required(field));
  if (spec.kubeconfig.starts_with('/')) return {};
  return bad(cause::invalid(field, quoted(spec.kubeconfig), "must be an absolute path"));
}

Result<void> read_conditions(const api::Value& webhook, const std::string& path,
                             WebhookAuthorizerSpec& spec) {
  const auto* conditions = webhook.find("matchConditions");
  if (conditions == nullptr || !conditions->is_array() || conditions->empty()) return {};
  const std::string version_field = path + ".matchConditionSubjectAccessReviewVersion";
  const std::string_view version = webhook.string_at("matchConditionSubjectAccessReviewVersion");
  if (version.empty()) {
    return bad(cause::required(version_field, "required if match conditions are specified"));
  }
  if (auto ok = check_choice(version_field, version, {"v1"}); !ok) return ok;
  const std::string list = path + ".matchConditions";
  if (conditions->size() > kMaxConditions) {
    return bad(cause::too_many(list, conditions->size(), kMaxConditions));
  }
  for (const auto& condition : conditions->items()) {
    const std::string field = list + "[" + std::to_string(spec.conditions.size()) + "].expression";
    const std::string_view expression = condition.string_at("expression");
    if (trim(expression).empty()) return bad(cause::required(field));
    if (std::ranges::find(spec.conditions, expression) != spec.conditions.end()) {
      return bad(cause::duplicate(field, quoted(expression)));
    }
    spec.conditions.emplace_back(expression);
  }
  return {};
}

Result<void> read_policies(const api::Value& webhook, const std::string& path,
                           WebhookAuthorizerSpec& spec) {
  spec.review_version = webhook.string_at("subjectAccessReviewVersion");
  if (auto ok = check_choice(path + ".subjectAccessReviewVersion", spec.review_version,
                             {"v1", "v1beta1"});
      !ok) {
    return ok;
  }
  const std::string_view failure = webhook.string_at("failurePolicy");
  if (auto ok = check_choice(path + ".failurePolicy", failure, {"NoOpinion", "Deny"}); !ok) {
    return ok;
  }
  spec.denies_on_failure = failure == "Deny";
  return read_conditions(webhook, path, spec);
}

Result<WebhookAuthorizerSpec> read_webhook(const api::Value& entry, const std::string& path) {
  WebhookAuthorizerSpec spec;
  spec.name = entry.string_at("name");
  const auto* webhook = entry.find("webhook");
  if (webhook == nullptr || !webhook->is_object()) {
    return bad(cause::required(path + ".webhook", "required when type=Webhook"));
  }
  // Kubernetes leaves ".webhook" out of what follows.
  auto authorized = duration_at(*webhook, path, "authorizedTTL", std::chrono::minutes(5));
  auto unauthorized = duration_at(*webhook, path, "unauthorizedTTL", std::chrono::seconds(30));
  auto timeout = duration_at(*webhook, path, "timeout", Duration{});
  for (const auto* each : {&authorized, &unauthorized, &timeout}) {
    if (!*each) return std::unexpected(each->error());
  }
  if (*timeout == Duration{}) return bad(cause::required(path + ".timeout"));
  if (*timeout > kMaxTimeout) {
    return bad(cause::invalid(path + ".timeout", quoted(api::format_duration(*timeout)),
                              "must be > 0s and <= 30s"));
  }
  spec.timeout = *timeout;
  spec.authorized_ttl =
      webhook->bool_at("cacheAuthorizedRequests", true) ? *authorized : Duration{};
  spec.unauthorized_ttl =
      webhook->bool_at("cacheUnauthorizedRequests", true) ? *unauthorized : Duration{};
  if (auto ok = read_policies(*webhook, path, spec); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (auto ok = read_connection(*webhook, path, spec); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  return spec;
}

constexpr std::string_view kTypes[] = {"ABAC", "AlwaysAllow", "AlwaysDeny",
                                       "Node", "RBAC",        "Webhook"};

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
    if (auto ok = check_choice(path + ".type", type, {std::begin(kTypes), std::end(kTypes)}); !ok) {
      return std::unexpected(std::move(ok.error()));
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
    if (const auto complaints = api::check_dns1123_subdomain(name); !complaints.empty()) {
      return bad(cause::invalid(path + ".name", quoted(name),
                                "authorizer name is invalid: " + join(complaints, ", ")));
    }
    names.push_back(name);
    AuthorizerSpec spec{type, {}};
    if (type == "Webhook") {
      auto webhook = read_webhook(entry, path);
      if (!webhook) return std::unexpected(std::move(webhook.error()));
      spec.webhook = std::move(*webhook);
    } else if (entry.find("webhook") != nullptr) {
      return bad(cause::invalid(path + ".webhook", quoted("non-null"),
                                "may only be specified when type=Webhook"));
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
