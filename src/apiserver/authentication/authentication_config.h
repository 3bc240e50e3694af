// Which issuers of OpenID Connect tokens the server believes, and who is anonymous: from the flags,
// or from an AuthenticationConfiguration file.
//
// Errors: 400 naming the file and the field that is wrong.
// Bounds: 64 issuers.
// Source: kubernetes.io/docs/reference/access-authn-authz/authentication, "Using Authentication
//   Configuration"; apiserver.config.k8s.io/v1.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/configuration.h"
#include "base/error.h"

namespace pinnace::apiserver {

// Where a user's name, uid or groups come from: a claim, or a CEL expression over `claims`.
struct ClaimSource {
  std::string claim, prefix, expression;
};

struct ClaimRule {
  std::string claim, required_value;  // Or:
  std::string expression, message;    // CEL over `claims`, or `user`; must be true.
};

struct ExtraSource {
  std::string key, expression;
};

struct IssuerSpec {
  std::string url, discovery_url, authority_pem;
  std::vector<std::string> audiences;  // A token must name one of them.
  std::vector<std::string> algorithms;
  ClaimSource username, groups, uid;
  std::vector<ExtraSource> extra;
  std::vector<ClaimRule> claim_rules, user_rules;
};

struct AuthenticationConfig {
  std::vector<IssuerSpec> issuers;
  // Paths that system:anonymous may ask for; nothing: what the flag says.
  std::optional<Anonymous> anonymous;
  std::vector<std::string> anonymous_paths;  // With kAll: only these; none: every path.
};

Result<AuthenticationConfig> parse_authentication_config(std::string_view text);
// Reads the files that the settings name.
Result<AuthenticationConfig> authentication_config_of(const AuthenticationSettings& settings);

}  // namespace pinnace::apiserver
