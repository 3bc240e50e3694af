#include "cluster/audit_defaults.h"

namespace pinnace::cluster {

namespace {

constexpr char kPolicy[] = R"(
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: None
  nonResourceURLs: ["/healthz*", "/livez*", "/readyz*", "/version", "/metrics", "/openapi/*",
                    "/api", "/api/*", "/apis", "/apis/*"]
- level: None
  resources:
  - {group: coordination.k8s.io, resources: [leases]}
  - {group: "", resources: [events]}
  - {group: events.k8s.io, resources: [events]}
- level: None
  users: ["system:kube-controller-manager", "system:kube-scheduler"]
  verbs: [get, list, watch]
- level: None
  userGroups: ["system:nodes"]
  verbs: [get, list, watch]
- level: Metadata
  resources:
  - {group: "", resources: [secrets, "serviceaccounts/token"]}
- level: None
  verbs: [get, list, watch]
- level: None
  userGroups: ["system:nodes"]
  resources:
  - {group: "", resources: [nodes/status, pods/status]}
- level: Metadata
)";

constexpr std::size_t kMaxMegabytes = 32;
constexpr int kMaxBackups = 4;

}  // namespace

apiserver::Configuration with_default_audit(apiserver::Configuration configuration,
                                            const Settings& settings) {
  auto& audit = configuration.audit;
  if (audit.is_chosen) {
    if (!audit.log_mode) audit.log_mode = apiserver::AuditMode::kBlocking;  // As kube-apiserver's.
    return configuration;
  }
  audit.log_path = settings.log_dir() + "/audit.log";
  if (audit.policy_file.empty()) audit.policy_text = kPolicy;
  if (audit.log_max_megabytes == 0) audit.log_max_megabytes = kMaxMegabytes;
  if (audit.log_max_backups == 0) audit.log_max_backups = kMaxBackups;
  audit.log_compress = true;
  return configuration;
}

}  // namespace pinnace::cluster
