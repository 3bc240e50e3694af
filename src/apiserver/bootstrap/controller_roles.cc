// The roles of Kubernetes' own controllers, each bound to the service account of its name in
// kube-system.
#include "apiserver/bootstrap/bootstrap.h"

namespace pinnace::apiserver {
namespace {

constexpr ControllerRole kControllers[] = {
    {"attachdetach-controller", false, R"(
list watch / core / persistentvolumeclaims persistentvolumes
get list watch / core / nodes
patch update / core / nodes/status
list watch / core / pods
create patch update / core events.k8s.io / events
create delete get list watch / storage.k8s.io / volumeattachments
get list watch / storage.k8s.io / csidrivers
get list watch / storage.k8s.io / csinodes
)"},
    {"certificate-controller", true, R"(
delete get list watch / certificates.k8s.io / certificatesigningrequests
update / certificates.k8s.io / certificatesigningrequests/approval
  certificatesigningrequests/status
approve / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client-kubelet
sign / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-client
  kubernetes.io/kube-apiserver-client-kubelet kubernetes.io/kubelet-serving
  kubernetes.io/legacy-unknown
create / authorization.k8s.io / subjectaccessreviews
)"},
    {"clusterrole-aggregation-controller", false, R"(
escalate get list patch update watch / rbac.authorization.k8s.io / clusterroles
)"},
    {"cronjob-controller", true, R"(
get list update watch / batch / cronjobs
create delete get list patch update watch / batch / jobs
update / batch / cronjobs/status
update / batch / cronjobs/finalizers
delete list watch / core / pods
)"},
    {"daemon-set-controller", true, R"(
get list watch / apps extensions / daemonsets
update / apps extensions / daemonsets/status
update / apps extensions / daemonsets/finalizers
list watch / core / nodes
create delete list patch watch / core / pods
create / core / pods/binding
create delete get list patch update watch / apps / controllerrevisions
)"},
    {"deployment-controller", true, R"(
get list update watch / apps extensions / deployments
update / apps extensions / deployments/status
update / apps extensions / deployments/finalizers
create delete get list patch update watch / apps extensions / replicasets
get list update watch / core / pods
)"},
    {"device-taint-eviction-controller", true, R"(
delete get list watch / core / pods
patch update / core / pods/status
get list watch / resource.k8s.io / resourceclaims
get list watch / resource.k8s.io / resourceslices
get list watch / resource.k8s.io / deviceclasses
)"},
    {"disruption-controller", true, R"(
get list watch / apps extensions / deployments
get list watch / apps extensions / replicasets
get list watch / core / replicationcontrollers
get list watch / policy / poddisruptionbudgets
get list watch / apps / statefulsets
update / policy / poddisruptionbudgets/status
patch update / core / pods/status
get / * / */scale
)"},
    {"endpoint-controller", true, R"(
get list watch / core / pods services
create delete get list update watch / core / endpoints
create / core / endpoints/restricted
)"},
    {"endpointslice-controller", true, R"(
get list watch / core / nodes pods services
update / core / services/finalizers
create delete get list update watch / discovery.k8s.io / endpointslices
)"},
    {"endpointslicemirroring-controller", true, R"(
get list watch / core / endpoints services
update / core / services/finalizers
update / core / endpoints/finalizers
create delete get list update watch / discovery.k8s.io / endpointslices
)"},
    {"ephemeral-volume-controller", true, R"(
get list watch / core / pods
update / core / pods/finalizers
create get list watch / core / persistentvolumeclaims
)"},
    {"expand-controller", false, R"(
get list patch update watch / core / persistentvolumes
patch update / core / persistentvolumeclaims/status
get list watch / core / persistentvolumeclaims
create patch update / core events.k8s.io / events
get / core / services
)"},
    {"generic-garbage-collector", true, R"(
delete get list patch update watch / * / *
)"},
    {"horizontal-pod-autoscaler", true, R"(
get list watch / autoscaling / horizontalpodautoscalers
update / autoscaling / horizontalpodautoscalers/status
get update / * / */scale
list watch / core / pods
list watch / metrics.k8s.io / pods
get list watch / custom.metrics.k8s.io / *
get list watch / external.metrics.k8s.io / *
)"},
    {"job-controller", true, R"(
get list patch update watch / batch / jobs
update / batch / jobs/status
update / batch / jobs/finalizers
create delete list patch watch / core / pods
)"},
    {"kube-apiserver-serving-clustertrustbundle-publisher", true, R"(
attest / certificates.k8s.io / signers / kubernetes.io/kube-apiserver-serving
create delete list update watch / certificates.k8s.io / clustertrustbundles
)"},
    {"legacy-service-account-token-cleaner", false, R"(
get / core / configmaps / kube-apiserver-legacy-service-account-token-tracking
delete patch / core / secrets
)"},
    {"namespace-controller", false, R"(
delete get list watch / core / namespaces
update / core / namespaces/finalize namespaces/status
delete deletecollection get list watch / * / *
)"},
    {"node-controller", true, R"(
delete get list patch update watch / core / nodes
patch update / core / nodes/status
patch update / core / pods/status
delete get list watch / core / pods
)"},
    {"persistent-volume-binder", false, R"(
create delete get list update watch / core / persistentvolumes
update / core / persistentvolumes/status
get list update watch / core / persistentvolumeclaims
update / core / persistentvolumeclaims/status
create delete get list watch / core / pods
get list watch / storage.k8s.io / storageclasses
list watch / core / nodes
create patch update / core events.k8s.io / events
watch / core / events
get / core / services
)"},
    {"pod-garbage-collector", false, R"(
delete list watch / core / pods
get list watch / core / nodes
patch / core / pods/status
)"},
    {"pv-protection-controller", true, R"(
get list update watch / core / persistentvolumes
)"},
    {"pvc-protection-controller", true, R"(
get list update watch / core / persistentvolumeclaims
get list watch / core / pods
)"},
    {"replicaset-controller", true, R"(
get list update watch / apps extensions / replicasets
update / apps extensions / replicasets/status
update / apps extensions / replicasets/finalizers
create delete list patch watch / core / pods
)"},
    {"replication-controller", true, R"(
get list update watch / core / replicationcontrollers
update / core / replicationcontrollers/status
update / core / replicationcontrollers/finalizers
create delete list patch watch / core / pods
)"},
    {"resource-claim-controller", true, R"(
get list watch / core / pods
update / core / pods/finalizers
create delete get list watch / resource.k8s.io / resourceclaims
patch update / resource.k8s.io / resourceclaims resourceclaims/status
patch update / core / pods/status
)"},
    {"resourcequota-controller", true, R"(
list watch / * / *
update / core / resourcequotas/status
)"},
    {"root-ca-cert-publisher", true, R"(
create update / core / configmaps
)"},
    {"route-controller", true, R"(
list watch / core / nodes
patch / core / nodes/status
)"},
    {"selinux-warning-controller", false, R"(
create patch update / core events.k8s.io / events
get list watch / core / persistentvolumes
get list watch / core / persistentvolumeclaims
get list watch / core / pods
get list watch / storage.k8s.io / csidrivers
)"},
    {"service-account-controller", true, R"(
create / core / serviceaccounts
)"},
    {"service-cidrs-controller", true, R"(
get list patch update watch / networking.k8s.io / servicecidrs
patch update / networking.k8s.io / servicecidrs/finalizers
patch update / networking.k8s.io / servicecidrs/status
get list watch / networking.k8s.io / ipaddresses
)"},
    {"service-controller", true, R"(
get list watch / core / services
patch update / core / services/status
list watch / core / nodes
)"},
    {"statefulset-controller", true, R"(
list watch / core / pods
get list watch / apps / statefulsets
update / apps / statefulsets/status
update / apps / statefulsets/finalizers
create delete get patch update / core / pods
create delete get list patch update watch / apps / controllerrevisions
create get list watch / core / persistentvolumeclaims
delete update / core / persistentvolumeclaims
update / core / pods/finalizers
)"},
    {"ttl-after-finished-controller", true, R"(
delete get list watch / batch / jobs
)"},
    {"ttl-controller", true, R"(
list patch update watch / core / nodes
)"},
    {"validatingadmissionpolicy-status-controller", true, R"(
get list watch / admissionregistration.k8s.io / validatingadmissionpolicies
get patch update / admissionregistration.k8s.io / validatingadmissionpolicies/status
)"},
    {"volumeattributesclass-protection-controller", true, R"(
get list watch / core / persistentvolumeclaims
get list watch / core / persistentvolumes
get list update watch / storage.k8s.io / volumeattributesclasses
)"},
};

}  // namespace

std::span<const ControllerRole> controller_roles() { return kControllers; }

}  // namespace pinnace::apiserver
