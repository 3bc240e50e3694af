#include "apiserver/bootstrap/bootstrap.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAdmin = R"(
create / authorization.k8s.io / localsubjectaccessreviews
create delete deletecollection get list patch update watch / rbac.authorization.k8s.io /
  rolebindings roles
)";

constexpr std::string_view kEdit = R"(
get list watch / core / pods/attach pods/exec pods/portforward pods/proxy secrets services/proxy
impersonate / core / serviceaccounts
create delete deletecollection patch update / core / pods pods/attach pods/exec pods/portforward
  pods/proxy
create / core / pods/eviction
create delete deletecollection patch update / core / configmaps persistentvolumeclaims
  replicationcontrollers replicationcontrollers/scale secrets serviceaccounts services
  services/proxy
create / core / serviceaccounts/token
create delete deletecollection patch update / core events.k8s.io / events
create delete deletecollection patch update / apps / daemonsets deployments deployments/rollback
  deployments/scale replicasets replicasets/scale statefulsets statefulsets/scale
create delete deletecollection patch update / autoscaling / horizontalpodautoscalers
create delete deletecollection patch update / batch / cronjobs jobs
create delete deletecollection patch update / extensions / daemonsets deployments
  deployments/rollback deployments/scale ingresses networkpolicies replicasets replicasets/scale
  replicationcontrollers/scale
create delete deletecollection patch update / policy / poddisruptionbudgets
create delete deletecollection patch update / networking.k8s.io / ingresses networkpolicies
create delete deletecollection get list patch update watch / coordination.k8s.io / leases
create delete deletecollection patch update / resource.k8s.io / resourceclaims
  resourceclaimtemplates
)";

constexpr std::string_view kView = R"(
get list watch / core / configmaps endpoints persistentvolumeclaims persistentvolumeclaims/status
  pods replicationcontrollers replicationcontrollers/scale serviceaccounts services services/status
get list watch / core / bindings limitranges namespaces/status pods/log pods/status
  replicationcontrollers/status resourcequotas resourcequotas/status
get list watch / core / namespaces
get list watch / core events.k8s.io / events
get list watch / discovery.k8s.io / endpointslices
get list watch / apps / controllerrevisions daemonsets daemonsets/status deployments
  deployments/scale deployments/status replicasets replicasets/scale replicasets/status
  statefulsets statefulsets/scale statefulsets/status
get list watch / autoscaling / horizontalpodautoscalers horizontalpodautoscalers/status
get list watch / batch / cronjobs cronjobs/status jobs jobs/status
get list watch / extensions / daemonsets daemonsets/status deployments deployments/scale
  deployments/status ingresses ingresses/status networkpolicies replicasets replicasets/scale
  replicasets/status replicationcontrollers/scale
get list watch / policy / poddisruptionbudgets poddisruptionbudgets/status
get list watch / networking.k8s.io / ingresses ingresses/status networkpolicies
get list watch / resource.k8s.io / resourceclaims resourceclaims/status resourceclaimtemplates
)";

constexpr std::string_view kControllerManager = R"(
create patch update / core events.k8s.io / events
create / coordination.k8s.io / leases
get update / coordination.k8s.io / leases / kube-controller-manager
create / core / secrets serviceaccounts
delete / core / secrets
get / core / configmaps namespaces secrets serviceaccounts
update / core / secrets serviceaccounts
create / authentication.k8s.io / tokenreviews
create / authorization.k8s.io / subjectaccessreviews
list watch / * / *
create / core / serviceaccounts/token
)";

// Here one identity runs every loop; the garbage collector and the end of a namespace concern all
// kinds.
constexpr std::string_view kControllers = R"(
delete deletecollection get list patch update watch / * / *
create / core / configmaps endpoints persistentvolumeclaims persistentvolumes pods
create / core / pods/eviction
create / apps / controllerrevisions replicasets
create / batch / jobs
create / discovery.k8s.io / endpointslices
create / networking.k8s.io / ipaddresses
create / certificates.k8s.io / clustertrustbundles
approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client-kubelet
sign / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client
  kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving
  kubernetes.io/legacy-unknown
attest / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-serving
escalate / rbac.authorization.k8s.io / clusterroles
)";

constexpr std::string_view kScheduler = R"(
create patch update / core events.k8s.io / events
create / coordination.k8s.io / leases
get list update watch / coordination.k8s.io / leases / kube-scheduler
create delete deletecollection get list patch update watch / coordination.k8s.io / leasecandidates
get list watch / core / nodes
delete get list watch / core / pods
create / core / bindings pods/binding
patch update / core / pods/status
get list watch / core / replicationcontrollers services
get list watch / apps extensions / replicasets
get list watch / apps / statefulsets
get list watch / policy / poddisruptionbudgets
get list watch / core / persistentvolumeclaims persistentvolumes
create / authentication.k8s.io / tokenreviews
create / authorization.k8s.io / subjectaccessreviews
get list watch / storage.k8s.io / csinodes
get list watch / storage.k8s.io / volumeattachments
get list watch / core / namespaces
get list watch / storage.k8s.io / csidrivers
get list watch / storage.k8s.io / csistoragecapacities
get list watch / resource.k8s.io / deviceclasses
get list patch update watch / resource.k8s.io / resourceclaims
get list patch update watch / resource.k8s.io / resourceclaims/status
update / core / pods/finalizers
get list watch / resource.k8s.io / resourceslices
)";

constexpr std::string_view kNode = R"(
create / authentication.k8s.io / tokenreviews
create / authorization.k8s.io / localsubjectaccessreviews subjectaccessreviews
get list watch / core / services
create get list watch / core / nodes
patch update / core / nodes/status
patch update / core / nodes
create patch update / core events.k8s.io / events
get list watch / core / pods
create delete / core / pods
patch update / core / pods/status
create / core / pods/eviction
get list watch / core / configmaps secrets
get / core / persistentvolumeclaims persistentvolumes
get / core / endpoints
create get list watch / certificates.k8s.io / certificatesigningrequests
create delete get patch update / coordination.k8s.io / leases
get / storage.k8s.io / volumeattachments
create / core / serviceaccounts/token
get patch update / core / persistentvolumeclaims/status
get list watch / storage.k8s.io / csidrivers
create delete get patch update / storage.k8s.io / csinodes
get list watch / node.k8s.io / runtimeclasses
get / resource.k8s.io / resourceclaims
deletecollection / resource.k8s.io / resourceslices
get list watch / certificates.k8s.io / clustertrustbundles
get / core / serviceaccounts
)";

constexpr std::string_view kNodeProxier = R"(
list watch / core / endpoints services
get list watch / core / nodes
create patch update / core events.k8s.io / events
list watch / networking.k8s.io / servicecidrs
list watch / discovery.k8s.io / endpointslices
)";

constexpr std::string_view kProvisioner = R"(
create delete get list watch / core / persistentvolumes
get list update watch / core / persistentvolumeclaims
get list watch / storage.k8s.io / storageclasses
watch / core / events
create patch update / core events.k8s.io / events
)";

constexpr std::string_view kVolumeScheduler = R"(
get list patch update watch / core / persistentvolumes
get list watch / storage.k8s.io / storageclasses
get list patch update watch / core / persistentvolumeclaims
)";

constexpr std::string_view kKubeletApi = R"(
get list watch / core / nodes
proxy / core / nodes
* / core / nodes/log nodes/metrics nodes/proxy nodes/stats
* / core / nodes/configz nodes/healthz nodes/pods
)";

constexpr std::string_view kBasicUser = R"(
create / authorization.k8s.io / selfsubjectaccessreviews selfsubjectrulesreviews
create / authentication.k8s.io / selfsubjectreviews
)";

constexpr std::string_view kProblemDetector = R"(
get / core / nodes
patch / core / nodes/status
create patch update / core events.k8s.io / events
)";

constexpr BootstrapRole kRoles[] = {
    {"", "cluster-admin", "", "", "* / * / *\n* / *"},
    {"", "admin", "", "admin", ""},
    {"", "edit", "admin", "edit", ""},
    {"", "view", "edit", "view", ""},
    {"", "system:aggregate-to-admin", "admin", "", kAdmin},
    {"", "system:aggregate-to-edit", "edit", "", kEdit},
    {"", "system:aggregate-to-view", "view", "", kView},
    {"", "system:auth-delegator", "", "",
     "create / authentication.k8s.io / tokenreviews\n"
     "create / authorization.k8s.io / subjectaccessreviews"},
    {"", "system:basic-user", "", "", kBasicUser},
    {"", "system:discovery", "", "",
     "get / /api /api/* /apis /apis/* /healthz /livez /openapi /openapi/* /readyz /version "
     "/version/"},
    {"", "system:public-info-viewer", "", "", "get / /healthz /livez /readyz /version /version/"},
    {"", "system:monitoring", "", "",
     "get / /healthz /healthz/* /livez /livez/* /metrics /metrics/slis /readyz /readyz/*\n"
     "get / core / nodes/metrics"},
    {"", "system:service-account-issuer-discovery", "", "",
     "get / /.well-known/openid-configuration /.well-known/openid-configuration/ "
     "/openid/v1/jwks /openid/v1/jwks/"},
    {"", "system:cluster-trust-bundle-discovery", "", "",
     "get list watch / certificates.k8s.io / clustertrustbundles"},
    {"", "system:kube-controller-manager", "", "", kControllerManager},
    {"", "system:kube-scheduler", "", "", kScheduler},
    {"", "system:volume-scheduler", "", "", kVolumeScheduler},
    {"", "system:persistent-volume-provisioner", "", "", kProvisioner},
    {"", "system:kube-dns", "", "", "list watch / core / endpoints services"},
    {"", "system:kube-aggregator", "", "", "get list watch / core / endpoints services"},
    {"", "system:kubelet-api-admin", "", "", kKubeletApi},
    {"", "system:node", "", "", kNode},
    {"", "system:node-proxier", "", "", kNodeProxier},
    {"", "system:node-problem-detector", "", "", kProblemDetector},
    {"", "system:node-bootstrapper", "", "",
     "create get list watch / certificates.k8s.io / certificatesigningrequests"},
    {"", "system:heapster", "", "",
     "get list watch / core / events namespaces nodes pods\n"
     "get list watch / extensions / deployments"},
    {"", "system:certificates.k8s.io:certificatesigningrequests:nodeclient", "", "",
     "create / certificates.k8s.io / certificatesigningrequests/nodeclient"},
    {"", "system:certificates.k8s.io:certificatesigningrequests:selfnodeclient", "", "",
     "create / certificates.k8s.io / certificatesigningrequests/selfnodeclient"},
    {"", "system:certificates.k8s.io:kube-apiserver-client-approver", "", "",
     "approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client"},
    {"", "system:certificates.k8s.io:kube-apiserver-client-kubelet-approver", "", "",
     "approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client-kubelet"},
    {"", "system:certificates.k8s.io:kubelet-serving-approver", "", "",
     "approve / certificates.k8s.io / signers / kubernetes.io/kubelet-serving"},
    {"", "system:certificates.k8s.io:legacy-unknown-approver", "", "",
     "approve / certificates.k8s.io / signers / kubernetes.io/legacy-unknown"},
    // What the parts of this cluster need beyond the roles that Kubernetes gives them.
    {"", "system:pinnace:controllers", "", "", kControllers},
    {"", "system:pinnace:scheduler", "", "",
     "get list watch / scheduling.k8s.io / priorityclasses"},
    {"", "system:pinnace:proxy", "", "", "list watch / core / pods"},  // For their host ports.
    {"", "system:pinnace:dns", "", "",
     "list watch / core / services\nlist watch / discovery.k8s.io / endpointslices"},
    // Its own Service, kube-dns.
    {"kube-system", "system::dns-service", "", "", "create get / core / services"},
    {"kube-system", "extension-apiserver-authentication-reader", "", "",
     "get list watch / core / configmaps / extension-apiserver-authentication"},
    {"kube-system", "system:controller:bootstrap-signer", "", "",
     "get list watch / core / secrets"},
    {"kube-system", "system:controller:cloud-provider", "", "",
     "create get list watch / core / configmaps"},
    {"kube-system", "system:controller:token-cleaner", "", "",
     "delete get list watch / core / secrets\n"
     "create patch update / core events.k8s.io / events"},
    {"kube-public", "system:controller:bootstrap-signer", "", "",
     "get list watch / core / configmaps\nupdate / core / configmaps / cluster-info\n"
     "create patch update / core events.k8s.io / events"},
    {"kube-system", "system::leader-locking-kube-controller-manager", "", "",
     "watch / core / configmaps\nget update / core / configmaps / kube-controller-manager"},
    {"kube-system", "system::leader-locking-kube-scheduler", "", "",
     "watch / core / configmaps\nget update / core / configmaps / kube-scheduler"},
};

constexpr BootstrapBinding kBindings[] = {
    {"", "cluster-admin", "cluster-admin", "Group:system:masters"},
    {"", "system:basic-user", "system:basic-user", "Group:system:authenticated"},
    {"", "system:discovery", "system:discovery", "Group:system:authenticated"},
    {"", "system:public-info-viewer", "system:public-info-viewer",
     "Group:system:authenticated Group:system:unauthenticated"},
    {"", "system:monitoring", "system:monitoring", "Group:system:monitoring"},
    {"", "system:service-account-issuer-discovery", "system:service-account-issuer-discovery",
     "Group:system:serviceaccounts"},
    {"", "system:kube-controller-manager", "system:kube-controller-manager",
     "User:system:kube-controller-manager"},
    {"", "system:kube-scheduler", "system:kube-scheduler", "User:system:kube-scheduler"},
    {"", "system:volume-scheduler", "system:volume-scheduler", "User:system:kube-scheduler"},
    {"", "system:cluster-trust-bundle-discovery", "system:cluster-trust-bundle-discovery",
     "Group:system:serviceaccounts"},
    {"", "system:kube-dns", "system:kube-dns", "ServiceAccount:kube-system/kube-dns",
     "User:system:kube-dns"},
    {"", "system:pinnace:controllers", "system:pinnace:controllers",
     "User:system:kube-controller-manager"},
    {"", "system:pinnace:scheduler", "system:pinnace:scheduler", "User:system:kube-scheduler"},
    {"", "system:pinnace:proxy", "system:pinnace:proxy", "User:system:kube-proxy"},
    {"", "system:pinnace:dns", "system:pinnace:dns", "User:system:kube-dns"},
    {"kube-system", "system::dns-service", "system::dns-service", "User:system:kube-dns"},
    // Nodes have their rights from the Node authorizer.
    {"", "system:node", "system:node", "", "Group:system:nodes"},
    {"", "system:node-proxier", "system:node-proxier", "User:system:kube-proxy"},
    {"kube-system", "system::extension-apiserver-authentication-reader",
     "extension-apiserver-authentication-reader",
     "User:system:kube-controller-manager User:system:kube-scheduler"},
    {"kube-system", "system:controller:bootstrap-signer", "system:controller:bootstrap-signer",
     "ServiceAccount:kube-system/bootstrap-signer"},
    {"kube-system", "system:controller:cloud-provider", "system:controller:cloud-provider",
     "ServiceAccount:kube-system/cloud-provider"},
    {"kube-system", "system:controller:token-cleaner", "system:controller:token-cleaner",
     "ServiceAccount:kube-system/token-cleaner"},
    {"kube-public", "system:controller:bootstrap-signer", "system:controller:bootstrap-signer",
     "ServiceAccount:kube-system/bootstrap-signer"},
    {"kube-system", "system::leader-locking-kube-controller-manager",
     "system::leader-locking-kube-controller-manager",
     "User:system:kube-controller-manager ServiceAccount:kube-system/kube-controller-manager"},
    {"kube-system", "system::leader-locking-kube-scheduler",
     "system::leader-locking-kube-scheduler",
     "User:system:kube-scheduler ServiceAccount:kube-system/kube-scheduler"},
};

}  // namespace

std::span<const BootstrapRole> bootstrap_roles() { return kRoles; }
std::span<const BootstrapBinding> bootstrap_bindings() { return kBindings; }

}  // namespace pinnace::apiserver
