// Configuration is what whoever runs the server may choose: plain data, as the flags of
// kube-apiserver name it.
//
// Why apart from Options: Options wires a server into its process; this can be read from a command
// line, copied and compared.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "api/served.h"
#include "base/clock.h"

namespace pinnace::apiserver {

struct StaticUser {
  std::string name;
  std::string uid;
  std::vector<std::string> groups;
};

// What an authenticating proxy shows and says. Headers are in lower case.
struct RequestHeaderSettings {
  std::string client_ca_file;              // Of proxies; empty: there are none.
  std::vector<std::string> allowed_names;  // Common names of theirs; empty: any.
  std::vector<std::string> username_headers = {"x-remote-user"};
  std::vector<std::string> group_headers = {"x-remote-group"};
  std::vector<std::string> uid_headers;
  std::vector<std::string> extra_header_prefixes = {"x-remote-extra-"};
};

// One issuer of OpenID Connect, as the --oidc-* flags say it.
struct OidcSettings {
  std::string issuer_url;  // Empty: there is none.
  std::string client_id;
  std::string username_claim = "sub";
  std::string username_prefix;  // "-": none; empty: the issuer, but for emails.
  std::string groups_claim, groups_prefix;
  std::vector<std::string> signing_algorithms = {"RS256"};
  std::string ca_file;
  std::map<std::string, std::string, std::less<>> required_claims;
};

// Who is nobody: whether requests without credentials may do what system:anonymous may.
enum class Anonymous {
  kPublicPaths,  // Health and version only.
  kAll,
  kNone,
};

// How requests are authenticated beside client certificates and service-account tokens.
struct AuthenticationSettings {
  std::string client_ca_file;  // More authorities of clients, beside the cluster's.
  RequestHeaderSettings request_header;
  std::string token_file, basic_file;
  bool bootstrap_tokens = true;
  OidcSettings oidc;
  std::string config_file;  // AuthenticationConfiguration: issuers, and who is anonymous.
  std::string webhook_config_file;
  std::string webhook_version = "v1beta1";
  Duration webhook_cache_ttl = std::chrono::minutes(2);
  Anonymous anonymous = Anonymous::kPublicPaths;
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

// How events of the audit log go to whoever keeps them.
enum class AuditMode {
  kBatch,           // Later, several together; the request does not wait.
  kBlocking,        // The request is answered when they were kept, or could not be.
  kBlockingStrict,  // As before; a request that cannot be written down when it comes fails.
};

struct AuditBatch {
  std::size_t buffer_events = 10'000;  // More that wait are dropped.
  std::size_t max_events = 400;
  Duration max_wait = std::chrono::seconds(30);
  bool throttles = true;
  double batches_per_second = 10;
  std::size_t burst = 15;
};

// Events that are larger lose their bodies, or are dropped.
struct AuditLimits {
  bool is_on = false;
  std::size_t max_event_bytes = 100u << 10;
  std::size_t max_batch_bytes = 10u << 20;
};

// What is written down of requests. Without a policy, or with neither path nor webhook, nothing is.
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
  std::optional<AuditMode> log_mode;  // None: batch.
  // The log's batches are what has come in this time, or so much; it is never throttled.
  AuditBatch log_batch{10'000, 1000, std::chrono::milliseconds(50), false, 0, 0};
  AuditLimits log_limits;

  std::string webhook_config_file;  // A kubeconfig. Empty: no webhook.
  AuditMode webhook_mode = AuditMode::kBatch;
  AuditBatch webhook_batch;
  AuditLimits webhook_limits;
  Duration webhook_initial_backoff = std::chrono::seconds(10);
};

// How many requests are served at once, and for how long.
struct RequestLimits {
  // Priority and fairness: the sum of both maxima are the seats that levels share. Without it each
  // maximum is a limit by itself, for requests that read and those that write; 0 is none.
  bool is_fair = true;
  std::size_t max_requests_inflight = 400;
  std::size_t max_mutating_requests_inflight = 200;
  // Of requests that do not last: then 504. A quarter of it may pass in a queue.
  Duration request_timeout = std::chrono::seconds(60);
  // Watches without a timeout of their own end after once to twice this.
  Duration min_request_timeout = std::chrono::seconds(1800);
  // How likely a request on HTTP/2 ends its connection, so that clients spread over servers.
  double goaway_chance = 0;
  // What every answer says of TLS (RFC 6797); none: nothing.
  std::vector<std::string> strict_transport_directives;
};

struct Configuration {
  RequestLimits requests;
  AuthenticationSettings authentication;
  AuthorizationSettings authorization;
  AuditSettings audit;

  // A file of EncryptionConfiguration, and whether it is read again when it changes. Empty: the
  // cluster's own key for Secrets.
  std::string encryption_provider_config;
  bool encryption_provider_config_automatic_reload = false;

  // Bearer token → user.
  std::map<std::string, StaticUser, std::less<>> tokens;
  // Whose service-account tokens are known; the first is in those that are issued here.
  std::vector<std::string> service_account_issuers = {
      "https://kubernetes.default.svc.cluster.local"};
  // Where the issuer's discovery document says that its keys are; empty: at this server.
  std::string service_account_jwks_uri;
  // Files of more keys whose tokens are known.
  std::vector<std::string> service_account_key_files;
  // The longest life of a token that is asked for; 0: no bound but that of the API.
  Duration service_account_max_token_expiration{};
  // Tokens of pods live for a year, so that pods that do not read them again go on.
  bool service_account_extend_token_expiration = true;
  // What a token's `aud` must name for this server, and the default of a TokenRequest; empty: the
  // first issuer of service-account tokens.
  std::vector<std::string> api_audiences;

  // Which versions of the built-in kinds are served otherwise than by default. It is the program's
  // to do so, with api::serve, before there is a server.
  api::RuntimeConfig runtime_config;

  // Plugins of the admission chain by name; a name that stands in both lists is off.
  std::vector<std::string> enabled_admission_plugins, disabled_admission_plugins;
  // AdmissionConfiguration with the plugins' own configurations; empty: none have one.
  std::string admission_control_config_file;
  // How long pods stay on a node that is not ready or not reachable, if they do not say.
  std::int64_t default_not_ready_toleration_seconds = 300;
  std::int64_t default_unreachable_toleration_seconds = 300;
};

}  // namespace pinnace::apiserver
