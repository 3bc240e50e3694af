// WebhookIdentities are the users of a kubeconfig file, each named after the servers that it is
// for: who we are to admission webhooks.
//
// Names: "HOST:PORT", "*.DOMAIN:PORT", the same without a port for 443, and "*" for all others;
//   then the user of the current context.
// Threads: immutable; any.
// Source: kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers,
//   "Authenticate apiservers".
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {

class WebhookIdentities {
 public:
  WebhookIdentities() = default;  // Nobody to all.
  // 400 for a file that cannot be read, or a user that cannot be.
  static Result<WebhookIdentities> read(const std::string& path);

  // Sets who we are to a server; nothing where the file does not say.
  void identify(std::string_view host, int port, WebhookTargetOptions& options) const;

 private:
  const WebhookTargetOptions* find(std::string_view host, int port) const;

  std::map<std::string, WebhookTargetOptions, std::less<>> users_;  // "" of the current context.
};

}  // namespace pinnace::apiserver
