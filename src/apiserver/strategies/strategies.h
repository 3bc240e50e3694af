// The strategies of all kinds that have one. Each stands in a file of its theme in strategies/.
#pragma once

#include <span>

#include "apiserver/backend.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// strategies/pod.cc
extern const Strategy kPodStrategy, kPodTemplateStrategy;
// strategies/workloads.cc
extern const Strategy kDeploymentStrategy, kReplicaSetStrategy, kReplicationControllerStrategy,
    kDaemonSetStrategy, kStatefulSetStrategy, kControllerRevisionStrategy;
// strategies/jobs.cc
extern const Strategy kJobStrategy;
// strategies/cron_jobs.cc
extern const Strategy kCronJobStrategy;
// strategies/service.cc
extern const Strategy kServiceStrategy;
// strategies/networking.cc
extern const Strategy kIngressStrategy, kIngressClassStrategy, kNetworkPolicyStrategy,
    kIpAddressStrategy, kServiceCidrStrategy;
// strategies/endpoints.cc
extern const Strategy kEndpointsStrategy, kEndpointSliceStrategy;
// strategies/config.cc
extern const Strategy kConfigMapStrategy, kSecretStrategy, kServiceAccountStrategy;
// strategies/cluster.cc
extern const Strategy kNamespaceStrategy, kNodeStrategy, kLeaseStrategy, kEventStrategy;
// strategies/storage.cc
extern const Strategy kPersistentVolumeStrategy, kPersistentVolumeClaimStrategy,
    kStorageClassStrategy;
// strategies/access.cc
extern const Strategy kRoleStrategy, kClusterRoleStrategy, kRoleBindingStrategy,
    kClusterRoleBindingStrategy;
// strategies/policy.cc
extern const Strategy kResourceQuotaStrategy, kLimitRangeStrategy, kPriorityClassStrategy;
// strategies/autoscaling.cc
extern const Strategy kPodDisruptionBudgetStrategy, kHorizontalPodAutoscalerStrategy;
// strategies/certificates.cc
extern const Strategy kSigningRequestStrategy;

// strategies/admission_rules.cc
extern const Strategy kMutatingWebhooksStrategy, kValidatingWebhooksStrategy,
    kMutatingPolicyStrategy, kMutatingBindingStrategy, kValidatingPolicyStrategy,
    kValidatingBindingStrategy;
// strategies/flow_control.cc
extern const Strategy kFlowSchemaStrategy, kPriorityLevelStrategy;
// strategies/csi.cc
extern const Strategy kCsiDriverStrategy, kCsiNodeStrategy, kVolumeAttachmentStrategy,
    kCsiStorageCapacityStrategy, kVolumeAttributesClassStrategy;
// strategies/devices.cc
extern const Strategy kResourceClaimStrategy, kResourceClaimTemplateStrategy, kDeviceClassStrategy;
// strategies/device_slices.cc
extern const Strategy kResourceSliceStrategy, kDeviceTaintRuleStrategy;
// strategies/extensions.cc
extern const Strategy kApiServiceStrategy, kRuntimeClassStrategy, kTrustBundleStrategy,
    kPodCertificateStrategy, kStorageMigrationStrategy;
// strategies/legacy.cc
extern const Strategy kSecurityPolicyStrategy, kPodPresetStrategy;

std::span<const Strategy* const> strategies();

}  // namespace pinnace::apiserver
