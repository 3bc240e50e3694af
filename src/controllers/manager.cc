#include "controllers/manager.h"

#include "base/log.h"
#include "controllers/certificate_approving/controller.h"
#include "controllers/certificate_cleaner/controller.h"
#include "controllers/certificate_signing/controller.h"
#include "controllers/cluster_role_aggregation/controller.h"
#include "controllers/deployment/controller.h"
#include "controllers/endpoint_slice/controller.h"
#include "controllers/endpoint_slice_mirroring/controller.h"
#include "controllers/endpoints/controller.h"
#include "controllers/garbage_collector/controller.h"
#include "controllers/informers.h"
#include "controllers/ip_address_repair/controller.h"
#include "controllers/legacy_token_cleaner/controller.h"
#include "controllers/namespace/controller.h"
#include "controllers/node_ipam/controller.h"
#include "controllers/node_lifecycle/controller.h"
#include "controllers/pod_gc/controller.h"
#include "controllers/policy_type_checking/controller.h"
#include "controllers/replica_set/controller.h"
#include "controllers/resource_quota/controller.h"
#include "controllers/root_ca/controller.h"
#include "controllers/service_account/controller.h"
#include "controllers/service_account_token/controller.h"
#include "controllers/service_cidr/controller.h"
#include "controllers/trust_bundle_publisher/controller.h"
#include "controllers/volume_protection/controller.h"

namespace pinnace::controllers {
namespace {

struct Entry {
  std::string_view name;
  std::unique_ptr<Controller> (*make)(Context&);
};

// In the order in which they start, which is also the order in which each is told of a change.
constexpr Entry kControllers[] = {
    // First what pods cannot start without: accounts, certificates and addresses.
    {"serviceaccount-controller", make_service_account_controller},
    {"serviceaccount-token-controller", make_service_account_token_controller},
    {"root-ca-certificate-publisher-controller", make_root_ca_controller},
    {"kube-apiserver-serving-clustertrustbundle-publisher-controller", make_trust_bundle_publisher},
    {"certificatesigningrequest-signing-controller", make_certificate_signing_controller},
    {"certificatesigningrequest-approving-controller", make_certificate_approving_controller},
    {"clusterrole-aggregation-controller", make_cluster_role_aggregation_controller},
    {"validatingadmissionpolicy-status-controller", make_policy_type_checking_controller},
    {"node-ipam-controller", make_node_ipam_controller},
    {"node-lifecycle-controller", make_node_lifecycle_controller},
    {"taint-eviction-controller", make_taint_eviction_controller},
    {"service-cidr-controller", make_service_cidr_controller},
    {"ipallocator-repair-controller", make_ip_address_repair_controller},
    // Traffic before workload: a pod that became ready should be reachable before the next goes.
    {"endpoints-controller", make_endpoints_controller},
    {"endpointslice-controller", make_endpoint_slice_controller},
    {"endpointslicemirroring-controller", make_endpoint_slice_mirroring_controller},
    {"replicationcontroller-controller", make_replication_controller_controller},
    {"replicaset-controller", make_replica_set_controller},
    // After what it drives: it reads the status that they have just written.
    {"deployment-controller", make_deployment_controller},
    {"resourcequota-controller", make_resource_quota_controller},
    {"persistentvolumeclaim-protection-controller", make_claim_protection_controller},
    {"persistentvolume-protection-controller", make_volume_protection_controller},
    // Last those that remove: by then everyone has claimed what is theirs.
    {"certificatesigningrequest-cleaner-controller", make_certificate_cleaner_controller},
    {"legacy-serviceaccount-token-cleaner-controller", make_legacy_token_cleaner},
    {"namespace-controller", make_namespace_controller},
    {"pod-garbage-collector-controller", make_pod_garbage_collector},
    {"garbage-collector-controller", make_garbage_collector},
};

}  // namespace

struct Manager::State {
  explicit State(Options& options)
      : informers(options.api, options.executor), context{options.api,      options.executor,
                                                          options.rng,      informers,
                                                          options.settings, options.metrics} {
    for (const auto& entry : kControllers) controllers.push_back(entry.make(context));
  }
  ~State() {
    informers.stop();
    while (!controllers.empty()) controllers.pop_back();
  }

  Informers informers;
  Context context;
  std::vector<std::unique_ptr<Controller>> controllers;
  bool running = false;
};

Manager::Manager(Options options) : options_(std::move(options)) {}
Manager::~Manager() = default;

void Manager::start() {
  if (state_) return;
  state_ = std::make_unique<State>(options_);
  state_->informers.start([state = state_.get()] {
    for (const auto& controller : state->controllers) controller->start();
    state->running = true;
    log::info("controllers started", {{"count", state->controllers.size()}});
  });
}

void Manager::stop() { state_.reset(); }

bool Manager::running() const { return state_ && state_->running; }

std::vector<std::string_view> Manager::controller_names() {
  std::vector<std::string_view> names;
  for (const auto& entry : kControllers) names.push_back(entry.name);
  return names;
}

}  // namespace pinnace::controllers
