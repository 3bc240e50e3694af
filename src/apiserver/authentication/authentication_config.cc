#include "apiserver/authentication/authentication_config.h"

#include <algorithm>

#include "api/yaml.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"
#include "io/files.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxFileBytes = 1 << 20;
constexpr std::size_t kMaxIssuers = 64;
const std::vector<std::string> kAllAlgorithms = {"RS256", "RS384", "RS512", "ES256", "ES384",
                                                 "ES512", "PS256", "PS384", "PS512"};

Unexpected bad(const std::string& field, std::string_view why) {
  return errors::bad_request(field + ": " + std::string(why));
}

std::string text_at(const api::Value* from, std::string_view key) {
  return std::string(from == nullptr ? "" : from->string_at(key));
}

bool is_https(std::string_view url) { return url.starts_with("https://") && url.size() > 8; }

Result<void> read_issuer(const api::Value& entry, const std::string& path, IssuerSpec& spec) {
  const auto* issuer = entry.find("issuer");
  if (issuer == nullptr || !issuer->is_object()) return bad(path + ".issuer", "Required value");
  const std::string here = path + ".issuer";
  spec.url = text_at(issuer, "url");
  if (spec.url.empty()) return bad(here + ".url", "Required value: URL is required");
  if (!is_https(spec.url)) {
    return bad(here + ".url", "Invalid value: " + quoted(spec.url) + ": URL scheme must be https");
  }
  spec.discovery_url = text_at(issuer, "discoveryURL");
  if (!spec.discovery_url.empty() && !is_https(spec.discovery_url)) {
    return bad(here + ".discoveryURL",
               "Invalid value: " + quoted(spec.discovery_url) + ": URL scheme must be https");
  }
  if (spec.discovery_url == spec.url) {
    return bad(here + ".discoveryURL", "Invalid value: " + quoted(spec.discovery_url) +
                                           ": discoveryURL must be different from URL");
  }
  spec.authority_pem = text_at(issuer, "certificateAuthority");
  spec.audiences = texts_of(issuer->find("audiences"));
  if (spec.audiences.empty()) {
    return bad(here + ".audiences",
               "Required value: at least one " + here + ".audiences is required");
  }
  const std::string policy = text_at(issuer, "audienceMatchPolicy");
  if (spec.audiences.size() > 1 && policy != "MatchAny") {
    return bad(here + ".audienceMatchPolicy",
               "Invalid value: " + quoted(policy) +
                   ": audienceMatchPolicy must be MatchAny for multiple audiences");
  }
  if (!policy.empty() && policy != "MatchAny") {
    return bad(here + ".audienceMatchPolicy", "Invalid value: " + quoted(policy) +
                                                  ": audienceMatchPolicy must be empty or MatchAny "
                                                  "for single audience");
  }
  spec.algorithms = kAllAlgorithms;
  return {};
}

// A claim with its prefix, or an expression; not both.
Result<void> read_source(const api::Value* from, const std::string& path, bool has_prefix,
                         ClaimSource& source) {
  if (from == nullptr || !from->is_object()) return {};
  source.claim = text_at(from, "claim");
  source.expression = text_at(from, "expression");
  const auto* prefix = from->find("prefix");
  source.prefix = text_at(from, "prefix");
  if (!source.claim.empty() && !source.expression.empty()) {
    return bad(path, "Invalid value: \"\": claim and expression can't both be set");
  }
  if (!source.expression.empty() && prefix != nullptr && !source.prefix.empty()) {
    return bad(path + ".prefix", "Invalid value: prefix can't be set when expression is set");
  }
  if (has_prefix && !source.claim.empty() && (prefix == nullptr || !prefix->is_string())) {
    return bad(path + ".prefix",
               "Required value: prefix is required when claim is set. It can be set to an empty "
               "string to disable prefixing");
  }
  return {};
}

Result<void> read_mappings(const api::Value& entry, const std::string& path, IssuerSpec& spec) {
  const auto* mappings = entry.find("claimMappings");
  const std::string here = path + ".claimMappings";
  const auto member = [&](const char* name) {
    return mappings == nullptr ? nullptr : mappings->find(name);
  };
  if (auto ok = read_source(member("username"), here + ".username", true, spec.username); !ok) {
    return ok;
  }
  if (spec.username.claim.empty() && spec.username.expression.empty()) {
    return bad(here + ".username", "Required value: claim or expression is required");
  }
  if (auto ok = read_source(member("groups"), here + ".groups", true, spec.groups); !ok) return ok;
  if (auto ok = read_source(member("uid"), here + ".uid", false, spec.uid); !ok) return ok;
  const auto* extra = member("extra");
  if (extra == nullptr || !extra->is_array()) return {};
  for (const auto& item : extra->items()) {
    ExtraSource source{text_at(&item, "key"), text_at(&item, "valueExpression")};
    const std::string at = here + ".extra[" + std::to_string(spec.extra.size()) + "]";
    if (source.key.empty()) return bad(at + ".key", "Required value");
    if (source.key != to_lower(source.key)) {
      return bad(at + ".key", "Invalid value: " + quoted(source.key) + ": key must be lowercase");
    }
    if (source.key.find('/') == std::string::npos) {
      return bad(at + ".key", "Invalid value: " + quoted(source.key) +
                                  ": must be a domain-prefixed path (such as \"acme.io/foo\")");
    }
    if (source.expression.empty()) return bad(at + ".valueExpression", "Required value");
    spec.extra.push_back(std::move(source));
  }
  return {};
}

Result<void> read_rules(const api::Value* list, const std::string& path, bool may_name_claims,
                        std::vector<ClaimRule>& rules) {
  if (list == nullptr || !list->is_array()) return {};
  for (const auto& item : list->items()) {
    const std::string at = path + "[" + std::to_string(rules.size()) + "]";
    ClaimRule rule{text_at(&item, "claim"), text_at(&item, "requiredValue"),
                   text_at(&item, "expression"), text_at(&item, "message")};
    if (!rule.claim.empty() && !rule.expression.empty()) {
      return bad(at, "Invalid value: claim and expression can't both be set");
    }
    if (rule.expression.empty() && (rule.claim.empty() || !may_name_claims)) {
      return bad(at, may_name_claims ? "Required value: claim or expression is required"
                                     : "Required value: expression is required");
    }
    rules.push_back(std::move(rule));
  }
  return {};
}

Result<IssuerSpec> read_jwt(const api::Value& entry, const std::string& path) {
  IssuerSpec spec;
  Result<void> ok = read_issuer(entry, path, spec);
  if (ok) ok = read_mappings(entry, path, spec);
  if (ok) {
    ok = read_rules(entry.find("claimValidationRules"), path + ".claimValidationRules", true,
                    spec.claim_rules);
  }
  if (ok) {
    ok = read_rules(entry.find("userValidationRules"), path + ".userValidationRules", false,
                    spec.user_rules);
  }
  if (!ok) return std::unexpected(std::move(ok.error()));
  return spec;
}

Result<void> read_anonymous(const api::Value& from, AuthenticationConfig& config) {
  const bool is_on = from.bool_at("enabled");
  config.anonymous = is_on ? Anonymous::kAll : Anonymous::kNone;
  const auto* conditions = from.find("conditions");
  if (conditions == nullptr || !conditions->is_array() || conditions->empty()) return {};
  if (!is_on) {
    return bad("anonymous.conditions",
               "Invalid value: enabled should be set to true when conditions are defined");
  }
  for (const auto& condition : conditions->items()) {
    config.anonymous_paths.emplace_back(condition.string_at("path"));
  }
  return {};
}

Result<IssuerSpec> issuer_of(const OidcSettings& settings) {
  if (!is_https(settings.issuer_url)) {
    return errors::bad_request("oidc-issuer-url must be an https URL");
  }
  if (settings.client_id.empty()) {
    return errors::bad_request("oidc-issuer-url and oidc-client-id must be specified together");
  }
  IssuerSpec spec;
  spec.url = settings.issuer_url;
  spec.audiences = {settings.client_id};
  spec.username = {settings.username_claim, settings.username_prefix, ""};
  if (settings.username_prefix == "-") {
    spec.username.prefix.clear();
  } else if (settings.username_prefix.empty() && settings.username_claim != "email") {
    spec.username.prefix = settings.issuer_url + "#";
  }
  spec.groups = {settings.groups_claim, settings.groups_prefix, ""};
  for (const auto& each : settings.signing_algorithms) {
    if (std::ranges::find(kAllAlgorithms, each) == kAllAlgorithms.end()) {
      return errors::bad_request("oidc-signing-algs: unsupported signing alg: " + quoted(each));
    }
  }
  spec.algorithms = settings.signing_algorithms;
  for (const auto& [claim, value] : settings.required_claims) {
    spec.claim_rules.push_back({claim, value, "", ""});
  }
  if (settings.ca_file.empty()) return spec;
  auto pem = io::read_file(settings.ca_file, kMaxFileBytes);
  if (!pem) return std::unexpected(std::move(pem.error()));
  spec.authority_pem = std::move(*pem);
  return spec;
}

}  // namespace

Result<AuthenticationConfig> parse_authentication_config(std::string_view text) {
  api::Arena arena;
  const auto parsed = api::parse_yaml(arena, text);
  if (!parsed) return std::unexpected(parsed.error());
  if (!parsed->string_at("apiVersion").starts_with("apiserver.config.k8s.io/") ||
      parsed->string_at("kind") != "AuthenticationConfiguration") {
    return errors::bad_request(
        "must be an AuthenticationConfiguration of apiserver.config.k8s.io/v1");
  }
  AuthenticationConfig config;
  if (const auto* list = parsed->find("jwt"); list != nullptr && list->is_array()) {
    if (list->size() > kMaxIssuers) return bad("jwt", "Too many: must have at most 64 items");
    for (const auto& entry : list->items()) {
      const std::string path = "jwt[" + std::to_string(config.issuers.size()) + "]";
      auto spec = read_jwt(entry, path);
      if (!spec) return std::unexpected(std::move(spec.error()));
      for (const auto& other : config.issuers) {
        if (other.url == spec->url) {
          return bad(path + ".issuer.url", "Duplicate value: " + quoted(spec->url));
        }
      }
      config.issuers.push_back(std::move(*spec));
    }
  }
  if (const auto* anonymous = parsed->find("anonymous"); anonymous && anonymous->is_object()) {
    if (auto ok = read_anonymous(*anonymous, config); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
  }
  return config;
}

Result<AuthenticationConfig> authentication_config_of(const AuthenticationSettings& settings) {
  if (!settings.config_file.empty()) {
    if (!settings.oidc.issuer_url.empty()) {
      return errors::bad_request(
          "authentication-config file and oidc-* flags are mutually exclusive");
    }
    auto text = io::read_file(settings.config_file, kMaxFileBytes);
    if (!text) return std::unexpected(std::move(text.error()));
    auto parsed = parse_authentication_config(*text);
    if (!parsed) parsed.error().message = settings.config_file + ": " + parsed.error().message;
    return parsed;
  }
  AuthenticationConfig config;
  if (settings.oidc.issuer_url.empty()) return config;
  auto spec = issuer_of(settings.oidc);
  if (!spec) return std::unexpected(std::move(spec.error()));
  config.issuers.push_back(std::move(*spec));
  return config;
}

}  // namespace pinnace::apiserver
