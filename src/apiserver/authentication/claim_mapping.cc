#include "apiserver/authentication/claim_mapping.h"

#include <algorithm>

#include "apiserver/authentication/credential_id.h"
#include "apiserver/authentication/expression.h"
#include "apiserver/http/text_lists.h"
#include "apiserver/registry/object_meta.h"

namespace pinnace::apiserver {
namespace {

Unexpected refuse(const std::string& why) { return errors::unauthorized("oidc: " + why); }

// A text, or a list of texts; nothing for what is neither.
std::optional<std::vector<std::string>> texts_in(const api::Value& value) {
  if (value.is_null()) return std::vector<std::string>();
  if (value.is_string()) {
    if (value.as_string().empty()) return std::vector<std::string>();
    return std::vector<std::string>{std::string(value.as_string())};
  }
  if (!value.is_array()) return {};
  for (const auto& item : value.items()) {
    if (!item.is_string()) return {};
  }
  return texts_of(&value);
}

// An address that the issuer has not seen to be the user's is nobody's name.
bool names_unverified_email(const IssuerSpec& issuer) {
  const auto names = [](const std::string& text, std::string_view what) {
    return text.find(what) != std::string::npos;
  };
  constexpr std::string_view kVerified = "claims.email_verified";
  const std::string& username = issuer.username.expression;
  bool is_checked = names(username, kVerified);
  for (const auto& each : issuer.extra) is_checked |= names(each.expression, kVerified);
  for (const auto& each : issuer.claim_rules) is_checked |= names(each.expression, kVerified);
  return names(username, "claims.email") && !is_checked;
}

api::Value user_value_of(api::Arena& arena, const User& user) {
  api::Value out = api::Value::object();
  out.set(arena, "username", api::Value::string(arena, user.name));
  out.set(arena, "uid", api::Value::string(arena, user.uid));
  out.set(arena, "groups", text_list(arena, user.groups));
  api::Value& extra = out.ensure_object(arena, "extra");
  for (const auto& [key, values] : user.extra) extra.set(arena, key, text_list(arena, values));
  return out;
}

}  // namespace

struct ClaimMapping::Programs {
  std::optional<Expression> username, groups, uid;
  std::vector<Expression> extra;
  // One for each rule; nothing for those that name a claim.
  std::vector<std::optional<Expression>> claim_rules, user_rules;
};

ClaimMapping::ClaimMapping(const IssuerSpec& issuer, std::unique_ptr<Programs> programs)
    : issuer_(issuer), programs_(std::move(programs)) {}
ClaimMapping::ClaimMapping(ClaimMapping&&) noexcept = default;
ClaimMapping::~ClaimMapping() = default;

Result<ClaimMapping> ClaimMapping::create(const IssuerSpec& issuer) {
  auto programs = std::make_unique<Programs>();
  Result<void> state;
  const auto compile = [&](const std::string& text, const char* variable, const char* field) {
    std::optional<Expression> made;
    if (text.empty() || !state) return made;
    auto compiled = Expression::compile(text, {variable});
    if (compiled)
      made = std::move(*compiled);
    else
      state = errors::bad_request(std::string(field) + ": " + compiled.error().message);
    return made;
  };
  programs->username = compile(issuer.username.expression, "claims", "claimMappings.username");
  programs->groups = compile(issuer.groups.expression, "claims", "claimMappings.groups");
  programs->uid = compile(issuer.uid.expression, "claims", "claimMappings.uid");
  for (const auto& each : issuer.extra) {
    if (auto made = compile(each.expression, "claims", "claimMappings.extra")) {
      programs->extra.push_back(std::move(*made));
    }
  }
  for (const auto& each : issuer.claim_rules) {
    programs->claim_rules.push_back(compile(each.expression, "claims", "claimValidationRules"));
  }
  for (const auto& each : issuer.user_rules) {
    programs->user_rules.push_back(compile(each.expression, "user", "userValidationRules"));
  }
  if (!state) return std::unexpected(std::move(state.error()));
  if (names_unverified_email(issuer)) {
    return errors::bad_request(
        "claimMappings.username.expression: claims.email_verified must be used in "
        "claimMappings.username.expression or claimMappings.extra[*].valueExpression or "
        "claimValidationRules[*].expression when claims.email is used in "
        "claimMappings.username.expression");
  }
  return ClaimMapping(issuer, std::move(programs));
}

Result<void> ClaimMapping::check_claims(const api::Value& claims) const {
  const auto* aud = claims.find("aud");
  const auto own = aud == nullptr ? std::nullopt : texts_in(*aud);
  const bool is_meant =
      own && std::ranges::any_of(*own, [&](const auto& each) {
        return std::ranges::find(issuer_.audiences, each) != issuer_.audiences.end();
      });
  if (!is_meant) return refuse("expected audience not found in token");
  for (std::size_t i = 0; i < issuer_.claim_rules.size(); ++i) {
    const ClaimRule& rule = issuer_.claim_rules[i];
    if (const auto& program = programs_->claim_rules[i]) {
      const auto holds = program->holds({&claims, 1});
      if (!holds) return refuse(holds.error().message);
      if (*holds) continue;
      return refuse("validation expression '" + rule.expression + "' failed" +
                    (rule.message.empty() ? "" : ": " + rule.message));
    }
    if (claims.find(rule.claim) == nullptr) {
      return refuse("required claim " + rule.claim + " not present in ID token");
    }
    if (claims.string_at(rule.claim) != rule.required_value) {
      return refuse("required claim " + rule.claim + " value does not match");
    }
  }
  return {};
}

Result<std::string> ClaimMapping::username(const api::Value& claims) const {
  if (programs_->username) {
    api::Arena arena;
    const auto value = programs_->username->evaluate(arena, {&claims, 1});
    if (!value) return refuse(value.error().message);
    if (!value->is_string()) return refuse("username claim expression must return a string");
    if (value->as_string().empty())
      return refuse("username claim expression returned an empty string");
    return std::string(value->as_string());
  }
  const std::string& claim = issuer_.username.claim;
  const auto* value = claims.find(claim);
  if (value == nullptr || !value->is_string()) {
    return refuse("parse username claims " + quoted(claim) + ": claim not present");
  }
  const auto* verified = claims.find("email_verified");
  if (claim == "email" && verified != nullptr && !(verified->is_bool() && verified->as_bool())) {
    return refuse("email not verified");
  }
  return issuer_.username.prefix + std::string(value->as_string());
}

Result<User> ClaimMapping::user_of(const api::Value& claims) const {
  if (auto ok = check_claims(claims); !ok) return std::unexpected(std::move(ok.error()));
  auto name = username(claims);
  if (!name) return std::unexpected(std::move(name.error()));
  User user{std::move(*name), "", {}, {}};
  api::Arena arena;
  const auto source = [&](const ClaimSource& from, const std::optional<Expression>& program,
                          std::vector<std::string>& out) -> Result<void> {
    api::Value value;
    if (program) {
      auto made = program->evaluate(arena, {&claims, 1});
      if (!made) return refuse(made.error().message);
      value = *made;
    } else if (const auto* claim = from.claim.empty() ? nullptr : claims.find(from.claim)) {
      value = *claim;
    }
    auto texts = texts_in(value);
    if (!texts) return refuse("parse claim " + quoted(from.claim) + ": neither a text nor texts");
    for (const auto& text : *texts) out.push_back(from.prefix + text);
    return {};
  };
  if (auto ok = source(issuer_.groups, programs_->groups, user.groups); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  std::vector<std::string> uid;
  if (auto ok = source(issuer_.uid, programs_->uid, uid); !ok) {
    return std::unexpected(std::move(ok.error()));
  }
  if (!uid.empty()) user.uid = uid.front();
  if (const std::string_view id = claims.string_at("jti"); !id.empty()) {
    user.extra[kCredentialId] = {token_credential_id(id)};
  }
  for (std::size_t i = 0; i < programs_->extra.size(); ++i) {
    std::vector<std::string> values;
    if (auto ok = source({}, programs_->extra[i], values); !ok) {
      return std::unexpected(std::move(ok.error()));
    }
    if (!values.empty()) user.extra[issuer_.extra[i].key] = std::move(values);
  }
  const api::Value as_value = user_value_of(arena, user);
  for (std::size_t i = 0; i < issuer_.user_rules.size(); ++i) {
    const auto holds = programs_->user_rules[i]->holds({&as_value, 1});
    if (!holds) return refuse(holds.error().message);
    if (!*holds)
      return refuse("validation expression '" + issuer_.user_rules[i].expression +
                    "' failed: " + issuer_.user_rules[i].message);
  }
  return user;
}

}  // namespace pinnace::apiserver
