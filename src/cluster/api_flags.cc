#include "cluster/api_flags.h"

#include <charconv>
#include <system_error>

#include "api/time.h"
#include "apiserver/http/strict_transport.h"
#include "base/strings.h"

namespace pinnace::cluster {
namespace {

using apiserver::Configuration;

struct ApiFlag {
  Option option;
  // Errors say what the value should have been; the flag's name is put before them.
  Result<void> (*set)(Configuration&, std::string_view value);
};

constexpr std::int64_t kMaxNumber = 1'000'000;

Result<void> set_seconds(std::string_view value, std::int64_t& seconds) {
  const auto number = parse_int(value);
  if (!number) return errors::bad_request("takes a number of seconds");
  seconds = *number;
  return {};
}

std::vector<std::string> list_of(std::string_view value) {
  std::vector<std::string> items;
  for (const std::string_view item : split(value, ',')) {
    if (!item.empty()) items.emplace_back(item);
  }
  return items;
}

Result<void> set_text(std::string& to, std::string_view value) {
  to = value;
  return {};
}

template <typename Number>
Result<void> set_number(Number& to, std::string_view value) {
  const auto number = parse_int(value);
  if (!number || *number < 0 || *number > kMaxNumber) {
    return errors::bad_request("takes a number of at least 0");
  }
  to = static_cast<Number>(*number);
  return {};
}

Result<void> set_switch(bool& to, std::string_view value) {
  if (value != "true" && value != "false") return errors::bad_request("takes true or false");
  to = value == "true";
  return {};
}

Result<void> set_duration(Duration& to, std::string_view value) {
  const auto parsed = api::parse_duration(value);
  if (!parsed || *parsed < Duration{}) return errors::bad_request("takes a duration, as in 5m0s");
  to = *parsed;
  return {};
}

Result<void> set_chance(double& to, std::string_view value) {
  constexpr double kMost = 0.02;
  double number = 0;
  const char* end = value.data() + value.size();
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  if (error != std::errc() || rest != end || !(number >= 0 && number <= kMost)) {
    return errors::bad_request("takes a number between 0 and 0.02");
  }
  to = number;
  return {};
}

Result<void> set_list(std::vector<std::string>& to, std::string_view value) {
  to = list_of(value);
  return {};
}

Result<void> set_bytes(std::size_t& to, std::string_view value) {
  constexpr std::int64_t kMaxBytes = std::int64_t{1} << 30;
  const auto number = parse_int(value);
  if (!number || *number < 1 || *number > kMaxBytes) {
    return errors::bad_request("takes a number of bytes, at most 1 GiB");
  }
  to = static_cast<std::size_t>(*number);
  return {};
}

Result<void> set_audit_mode(apiserver::AuditMode& to, std::string_view value) {
  using apiserver::AuditMode;
  if (value != "batch" && value != "blocking" && value != "blocking-strict") {
    return errors::bad_request("takes batch, blocking or blocking-strict");
  }
  to = value == "batch"      ? AuditMode::kBatch
       : value == "blocking" ? AuditMode::kBlocking
                             : AuditMode::kBlockingStrict;
  return {};
}

Result<void> check_audit_version(Configuration&, std::string_view value) {
  if (value != "audit.k8s.io/v1") return errors::bad_request("takes audit.k8s.io/v1");
  return {};
}

const ApiFlag kFlags[] = {
    {{"client-ca-file", "FILE", "more authorities of clients, beside the cluster's"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.client_ca_file, value);
     }},
    {{"requestheader-client-ca-file", "FILE", "authorities of authenticating proxies"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.request_header.client_ca_file, value);
     }},
    {{"requestheader-allowed-names", "NAME,...", "common names that a proxy may have (any)"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.authentication.request_header.allowed_names, value);
     }},
    {{"requestheader-username-headers", "NAME,...", "where a proxy says the user (X-Remote-User)"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.authentication.request_header.username_headers,
                       to_lower(value));
     }},
    {{"requestheader-uid-headers", "NAME,...", "where a proxy says the user's uid"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.authentication.request_header.uid_headers, to_lower(value));
     }},
    {{"requestheader-group-headers", "NAME,...", "where a proxy says the groups (X-Remote-Group)"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.authentication.request_header.group_headers, to_lower(value));
     }},
    {{"requestheader-extra-headers-prefix", "PREFIX,...",
      "what a proxy's other headers begin with (X-Remote-Extra-)"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.authentication.request_header.extra_header_prefixes,
                       to_lower(value));
     }},
    {{"token-auth-file", "FILE", "tokens of users: TOKEN,USER,UID,\"GROUP,...\""},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.token_file, value);
     }},
    {{"basic-auth-file", "FILE", "passwords of users: PASSWORD,USER,UID,\"GROUP,...\""},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.basic_file, value);
     }},
    {{"enable-bootstrap-token-auth", "BOOL", "know the tokens with which nodes join (true)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.authentication.bootstrap_tokens, value);
     }},
    {{"anonymous-auth", "BOOL", "who is nobody may ask too (health and version only)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       bool is_on = false;
       auto set = set_switch(is_on, value);
       if (!set) return set;
       configuration.authentication.anonymous =
           is_on ? apiserver::Anonymous::kAll : apiserver::Anonymous::kNone;
       return {};
     }},
    {{"authentication-config", "FILE", "an AuthenticationConfiguration, for issuers of tokens"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.config_file, value);
     }},
    {{"authentication-token-webhook-config-file", "FILE", "kubeconfig of who knows other tokens"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.webhook_config_file, value);
     }},
    {{"authentication-token-webhook-version", "VERSION", "of its TokenReviews (v1beta1)"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.webhook_version, value);
     }},
    {{"authentication-token-webhook-cache-ttl", "TIME", "how long its answers are kept (2m0s)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.authentication.webhook_cache_ttl, value);
     }},
    {{"oidc-issuer-url", "URL", "whose OpenID Connect tokens are believed"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.issuer_url, value);
     }},
    {{"oidc-client-id", "ID", "the audience that its tokens must name"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.client_id, value);
     }},
    {{"oidc-username-claim", "CLAIM", "where the user's name stands (sub)"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.username_claim, value);
     }},
    {{"oidc-username-prefix", "PREFIX", "put before names; - for none (the issuer)"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.username_prefix, value);
     }},
    {{"oidc-groups-claim", "CLAIM", "where the user's groups stand"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.groups_claim, value);
     }},
    {{"oidc-groups-prefix", "PREFIX", "put before groups"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.groups_prefix, value);
     }},
    {{"oidc-ca-file", "FILE", "authorities of the issuer (the system's)"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authentication.oidc.ca_file, value);
     }},
    {{"oidc-signing-algs", "NAME,...", "algorithms of its signatures (RS256)"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.authentication.oidc.signing_algorithms, value);
     }},
    {{"oidc-required-claim", "KEY=VALUE,...", "what its tokens must say"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       for (const auto& each : list_of(value)) {
         const auto equals = each.find('=');
         if (equals == std::string::npos) return errors::bad_request("takes KEY=VALUE");
         configuration.authentication.oidc.required_claims[each.substr(0, equals)] =
             each.substr(equals + 1);
       }
       return {};
     }},
    {{"service-account-key-file", "FILE,...", "more keys whose service-account tokens are known"},
     [](Configuration& configuration, std::string_view value) {
       return set_list(configuration.service_account_key_files, value);
     }},
    {{"service-account-max-token-expiration", "TIME", "the longest life of a token (any)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.service_account_max_token_expiration, value);
     }},
    {{"service-account-extend-token-expiration", "BOOL", "pods' tokens live for a year (true)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.service_account_extend_token_expiration, value);
     }},
    {{"authorization-mode", "MODE,...",
      "Node, RBAC, ABAC, Webhook, AlwaysAllow, AlwaysDeny, asked in order (Node,RBAC)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       configuration.authorization.modes = list_of(value);
       if (configuration.authorization.modes.empty()) {
         return errors::bad_request("takes at least one mode");
       }
       return {};
     }},
    {{"authorization-config", "FILE", "an AuthorizationConfiguration, in place of the modes"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authorization.config_file, value);
     }},
    {{"authorization-policy-file", "FILE", "policies of ABAC, one a line"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authorization.policy_file, value);
     }},
    {{"authorization-webhook-config-file", "FILE", "kubeconfig of the webhook that is asked"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authorization.webhook_config_file, value);
     }},
    {{"authorization-webhook-version", "VERSION", "of its SubjectAccessReviews (v1beta1)"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.authorization.webhook_version, value);
     }},
    {{"authorization-webhook-cache-authorized-ttl", "TIME", "how long a yes is kept (5m0s)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.authorization.webhook_authorized_ttl, value);
     }},
    {{"authorization-webhook-cache-unauthorized-ttl", "TIME", "how long a no is kept (30s)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.authorization.webhook_unauthorized_ttl, value);
     }},
    {{"audit-policy-file", "FILE", "what is written down of which requests; else our own policy"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.audit.policy_file, value);
     }},
    {{"audit-log-path", "FILE", "the audit log; - is standard output, an empty name none"},
     [](Configuration& configuration, std::string_view value) {
       configuration.audit.is_chosen = true;
       return set_text(configuration.audit.log_path, value);
     }},
    {{"audit-log-format", "FORMAT", "json or legacy (json)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       if (value != "json" && value != "legacy") return errors::bad_request("takes json or legacy");
       return set_text(configuration.audit.log_format, value);
     }},
    {{"audit-log-maxage", "DAYS", "how long old audit logs are kept (0: for ever)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.log_max_age_days, value);
     }},
    {{"audit-log-maxbackup", "N", "how many old audit logs are kept (0: all)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.log_max_backups, value);
     }},
    {{"audit-log-maxsize", "MB", "how large an audit log grows (100)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.log_max_megabytes, value);
     }},
    {{"audit-log-compress", "BOOL", "compress old audit logs (false)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.audit.log_compress, value);
     }},
    {{"audit-log-mode", "MODE",
      "batch, blocking or blocking-strict (blocking; of our own log, batch)"},
     [](Configuration& configuration, std::string_view value) {
       return set_audit_mode(configuration.audit.log_mode.emplace(), value);
     }},
    {{"audit-log-batch-buffer-size", "N", "events that wait for the audit log (10000)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.log_batch.buffer_events, value);
     }},
    {{"audit-log-batch-max-size", "N", "events that are written together (1000)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.log_batch.max_events, value);
     }},
    {{"audit-log-batch-max-wait", "TIME", "how long events are gathered (50ms)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.audit.log_batch.max_wait, value);
     }},
    {{"audit-log-truncate-enabled", "BOOL", "take bodies from events that are too large (false)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.audit.log_limits.is_on, value);
     }},
    {{"audit-log-truncate-max-event-size", "BYTES", "how large an event may be (102400)"},
     [](Configuration& configuration, std::string_view value) {
       return set_bytes(configuration.audit.log_limits.max_event_bytes, value);
     }},
    {{"audit-log-truncate-max-batch-size", "BYTES", "no less than an event (10485760)"},
     [](Configuration& configuration, std::string_view value) {
       return set_bytes(configuration.audit.log_limits.max_batch_bytes, value);
     }},
    {{"audit-log-version", "VERSION", "audit.k8s.io/v1"}, check_audit_version},
    {{"audit-webhook-config-file", "FILE", "a kubeconfig: who is told of audit events"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.audit.webhook_config_file, value);
     }},
    {{"audit-webhook-mode", "MODE", "batch, blocking or blocking-strict (batch)"},
     [](Configuration& configuration, std::string_view value) {
       return set_audit_mode(configuration.audit.webhook_mode, value);
     }},
    {{"audit-webhook-version", "VERSION", "audit.k8s.io/v1"}, check_audit_version},
    {{"audit-webhook-initial-backoff", "TIME", "how long to wait before a second attempt (10s)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.audit.webhook_initial_backoff, value);
     }},
    {{"audit-webhook-batch-buffer-size", "N", "events that wait for the webhook (10000)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.webhook_batch.buffer_events, value);
     }},
    {{"audit-webhook-batch-max-size", "N", "events that are sent together (400)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.webhook_batch.max_events, value);
     }},
    {{"audit-webhook-batch-max-wait", "TIME", "how long events are gathered (30s)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.audit.webhook_batch.max_wait, value);
     }},
    {{"audit-webhook-batch-throttle-enable", "BOOL", "whether batches are throttled (true)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.audit.webhook_batch.throttles, value);
     }},
    {{"audit-webhook-batch-throttle-qps", "N", "batches in a second (10)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.webhook_batch.batches_per_second, value);
     }},
    {{"audit-webhook-batch-throttle-burst", "N", "batches at once (15)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.audit.webhook_batch.burst, value);
     }},
    {{"audit-webhook-truncate-enabled", "BOOL",
      "take bodies from events that are too large (false)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.audit.webhook_limits.is_on, value);
     }},
    {{"audit-webhook-truncate-max-event-size", "BYTES", "how large an event may be (102400)"},
     [](Configuration& configuration, std::string_view value) {
       return set_bytes(configuration.audit.webhook_limits.max_event_bytes, value);
     }},
    {{"audit-webhook-truncate-max-batch-size", "BYTES", "how large a batch may be (10485760)"},
     [](Configuration& configuration, std::string_view value) {
       return set_bytes(configuration.audit.webhook_limits.max_batch_bytes, value);
     }},
    {{"encryption-provider-config", "FILE", "an EncryptionConfiguration, in place of our own key"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.encryption_provider_config, value);
     }},
    {{"encryption-provider-config-automatic-reload", "BOOL",
      "read it again when it changes (false)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.encryption_provider_config_automatic_reload, value);
     }},
    {{"enable-priority-and-fairness", "BOOL", "requests take turns by level and flow (true)"},
     [](Configuration& configuration, std::string_view value) {
       return set_switch(configuration.requests.is_fair, value);
     }},
    {{"max-requests-inflight", "N", "requests that read at once; a part of all seats (400)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.requests.max_requests_inflight, value);
     }},
    {{"max-mutating-requests-inflight", "N",
      "requests that write at once; the other part of all seats (200)"},
     [](Configuration& configuration, std::string_view value) {
       return set_number(configuration.requests.max_mutating_requests_inflight, value);
     }},
    {{"request-timeout", "TIME", "how long a request may take that does not last (1m0s)"},
     [](Configuration& configuration, std::string_view value) {
       return set_duration(configuration.requests.request_timeout, value);
     }},
    {{"min-request-timeout", "SECONDS",
      "watches without a timeout end after once to twice this (1800)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       std::int64_t seconds = 0;
       if (auto ok = set_number(seconds, value); !ok) return ok;
       configuration.requests.min_request_timeout = std::chrono::seconds(seconds);
       return {};
     }},
    {{"goaway-chance", "CHANCE",
      "that a request on HTTP/2 sends its client to connect anew, 0 to 0.02 (0)"},
     [](Configuration& configuration, std::string_view value) {
       return set_chance(configuration.requests.goaway_chance, value);
     }},
    {{"strict-transport-security-directives", "DIRECTIVE,...",
      "what answers say of TLS: max-age=SECONDS, includeSubDomains, preload"},
     [](Configuration& configuration, std::string_view value) {
       auto& directives = configuration.requests.strict_transport_directives;
       directives = list_of(value);
       return apiserver::check_transport_directives(directives);
     }},
    {{"service-account-issuer", "URL,...",
      "who issues service-account tokens, and whose others are known"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       configuration.service_account_issuers = list_of(value);
       if (!configuration.service_account_issuers.empty()) return {};
       return errors::bad_request("takes at least one");
     }},
    {{"service-account-jwks-uri", "URL",
      "where the issuer says that its keys are (at this server)"},
     [](Configuration& configuration, std::string_view value) {
       return set_text(configuration.service_account_jwks_uri, value);
     }},
    {{"api-audiences", "NAME,...", "audiences that tokens for this server may name (the issuer)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       configuration.api_audiences = list_of(value);
       if (configuration.api_audiences.empty()) return errors::bad_request("takes at least one");
       return {};
     }},
    {{"runtime-config", "KEY=BOOL,...",
      "versions to switch on or off: batch/v2alpha1=true, api/beta=false"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       for (const std::string& each : list_of(value)) {
         const auto equals = each.find('=');
         bool on = true;
         if (equals != std::string::npos) {
           if (auto ok = set_switch(on, each.substr(equals + 1)); !ok) return ok;
         }
         configuration.runtime_config.insert_or_assign(each.substr(0, equals), on);
       }
       return {};
     }},
    {{"enable-admission-plugins", "NAME,...", "admission plugins to switch on"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       configuration.enabled_admission_plugins = list_of(value);
       return {};
     }},
    {{"disable-admission-plugins", "NAME,...", "admission plugins to switch off"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       configuration.disabled_admission_plugins = list_of(value);
       return {};
     }},
    {{"admission-control-config-file", "FILE", "the plugins' own configurations"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       configuration.admission_control_config_file = value;
       return {};
     }},
    {{"default-not-ready-toleration-seconds", "N",
      "how long pods stay on a node that is not ready (300)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       return set_seconds(value, configuration.default_not_ready_toleration_seconds);
     }},
    {{"default-unreachable-toleration-seconds", "N",
      "how long pods stay on a node that is not reachable (300)"},
     [](Configuration& configuration, std::string_view value) -> Result<void> {
       return set_seconds(value, configuration.default_unreachable_toleration_seconds);
     }},
};

}  // namespace

std::vector<Option> api_flag_options() {
  std::vector<Option> options;
  for (const ApiFlag& flag : kFlags) options.push_back(flag.option);
  return options;
}

Result<void> apply_api_flags(const Arguments& arguments, Configuration& configuration) {
  for (const ApiFlag& flag : kFlags) {
    if (!arguments.has(flag.option.name)) continue;
    auto set = flag.set(configuration, arguments.get(flag.option.name));
    if (set) continue;
    set.error().message = "--" + std::string(flag.option.name) + ": " + set.error().message;
    return set;
  }
  const apiserver::RequestLimits& requests = configuration.requests;
  if (requests.is_fair &&
      requests.max_requests_inflight + requests.max_mutating_requests_inflight == 0) {
    return errors::bad_request(
        "--max-requests-inflight and --max-mutating-requests-inflight must add up to something "
        "positive, or --enable-priority-and-fairness be false");
  }
  return {};
}

}  // namespace pinnace::cluster
