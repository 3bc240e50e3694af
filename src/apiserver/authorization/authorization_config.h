// What authorizers the server has, in order: from the flags, or from an AuthorizationConfiguration
// file.
//
// Errors: 400 naming the file and the field that is wrong.
// Source: kubernetes.io/docs/reference/access-authn-authz/authorization,
//   apiserver.config.k8s.io/v1.
#pragma once

#include <string>
#include <vector>

#include "apiserver/configuration.h"
#include "base/clock.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct WebhookAuthorizerSpec {
  std::string name = "default";
  std::string kubeconfig;
  std::string review_version = "v1beta1";
  Duration authorized_ttl{}, unauthorized_ttl{};
  Duration timeout = std::chrono::seconds(30);
  bool denies_on_failure = false;
  std::vector<std::string> conditions;  // CEL; all must hold, or it has no opinion.
};

struct AuthorizerSpec {
  std::string type;  // "Node", "RBAC", "Webhook", ...
  WebhookAuthorizerSpec webhook;
};

Result<std::vector<AuthorizerSpec>> authorizers_of(const Configuration& configuration);
Result<std::vector<AuthorizerSpec>> parse_authorization_config(std::string_view text);

}  // namespace pinnace::apiserver
