// Configuration is what whoever runs the server may choose: plain data, as the flags of
// kube-apiserver name it.
//
// Why apart from Options: Options wires a server into its process; this can be read from a command
// line, copied and compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/clock.h"

namespace pinnace::apiserver {

struct StaticUser {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
};

// How requests are authorised. A file of AuthorizationConfiguration takes the place of the rest.
struct AuthorizationSettings {
  std::vector<std::string> modes = {"Node", "RBAC"};  // Asked in this order.
  std::string config_file;
  std::string policy_file;          // For ABAC.
  std::string webhook_config_file;  // A kubeconfig.
  std::string webhook_version = "v1beta1";
  Duration webhook_authorized_ttl = std::chrono::minutes(5);
  Duration webhook_unauthorized_ttl = std::chrono::seconds(30);
};

// What is written down of requests. Without a policy, or without a path, nothing is.
struct AuditSettings {
  std::string policy_file;
  std::string policy_text;  // In place of a file.
  std::string log_path;     // "-": standard output
  bool is_chosen = false;   // The path was given, if only to have none.
  std::string log_format = "json";
  int log_max_age_days = 0;           // 0: however old
  int log_max_backups = 0;            // 0: however many
  std::size_t log_max_megabytes = 0;  // 0: as kube-apiserver, 100
  bool log_compress = false;
};

struct Configuration {
  AuthorizationSettings authorization;
  AuditSettings audit;

  // A file of EncryptionConfiguration, and whether it is read again when it changes. Empty: the
  // cluster's own key for Secrets.
  std::string encryption_provider_config;
  bool encryption_provider_config_automatic_reload = false;

  // Requests under way at once, watches apart; more get 429 with Retry-After.
  std::size_t max_requests_inflight = 400;

  // Bearer token → user.
  std::map<std::string, StaticUser, std::less<>> tokens;
  std::string service_account_issuer = "https://kubernetes.default.svc.cluster.local";
  // What a token's `aud` must name for this server; the first is the default of a TokenRequest.
  std::vector<std::string> api_audiences = {"https://kubernetes.default.svc.cluster.local"};

  // Plugins of the admission chain by name; a name that stands in both lists is off.
  std::vector<std::string> enabled_admission_plugins, disabled_admission_plugins;
  // AdmissionConfiguration with the plugins' own configurations; empty: none have one.
  std::string admission_control_config_file;
  // How long pods stay on a node that is not ready or not reachable, if they do not say.
  std::int64_t default_not_ready_toleration_seconds = 300;
  std::int64_t default_unreachable_toleration_seconds = 300;
};

}  // namespace pinnace::apiserver
