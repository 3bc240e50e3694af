#include "apiserver/strategies/strategies.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "apiserver/custom/custom_objects.h"
#include "apiserver/custom/definition_strategy.h"

namespace pinnace::apiserver {
namespace {

constexpr const Strategy* kStrategies[] = {
    &kPodStrategy,
    &kPodTemplateStrategy,
    &kDeploymentStrategy,
    &kReplicaSetStrategy,
    &kReplicationControllerStrategy,
    &kDaemonSetStrategy,
    &kStatefulSetStrategy,
    &kControllerRevisionStrategy,
    &kJobStrategy,
    &kCronJobStrategy,
    &kServiceStrategy,
    &kIngressStrategy,
    &kIngressClassStrategy,
    &kNetworkPolicyStrategy,
    &kIpAddressStrategy,
    &kServiceCidrStrategy,
    &kEndpointsStrategy,
    &kEndpointSliceStrategy,
    &kConfigMapStrategy,
    &kSecretStrategy,
    &kServiceAccountStrategy,
    &kNamespaceStrategy,
    &kNodeStrategy,
    &kLeaseStrategy,
    &kEventStrategy,
    &kPersistentVolumeStrategy,
    &kPersistentVolumeClaimStrategy,
    &kStorageClassStrategy,
    &kRoleStrategy,
    &kClusterRoleStrategy,
    &kRoleBindingStrategy,
    &kClusterRoleBindingStrategy,
    &kResourceQuotaStrategy,
    &kLimitRangeStrategy,
    &kPriorityClassStrategy,
    &kPodDisruptionBudgetStrategy,
    &kHorizontalPodAutoscalerStrategy,
    &kSigningRequestStrategy,
    &kMutatingWebhooksStrategy,
    &kValidatingWebhooksStrategy,
    &kMutatingPolicyStrategy,
    &kMutatingBindingStrategy,
    &kValidatingPolicyStrategy,
    &kValidatingBindingStrategy,
    &kFlowSchemaStrategy,
    &kPriorityLevelStrategy,
    &kCsiDriverStrategy,
    &kCsiNodeStrategy,
    &kVolumeAttachmentStrategy,
    &kCsiStorageCapacityStrategy,
    &kVolumeAttributesClassStrategy,
    &kResourceClaimStrategy,
    &kResourceClaimTemplateStrategy,
    &kDeviceClassStrategy,
    &kResourceSliceStrategy,
    &kDeviceTaintRuleStrategy,
    &kApiServiceStrategy,
    &kRuntimeClassStrategy,
    &kTrustBundleStrategy,
    &kPodCertificateStrategy,
    &kStorageMigrationStrategy,
    &kSecurityPolicyStrategy,
    &kPodPresetStrategy,
    &kDefinitionStrategy,
};

constexpr Strategy kPlain{};

}  // namespace

void Change::warn(std::string text) {
  constexpr std::size_t kMaxBytes = 4096;
  auto& said = call.warnings;
  const std::size_t bytes =
      std::accumulate(said.begin(), said.end(), text.size(),
                      [](std::size_t sum, const std::string& one) { return sum + one.size(); });
  if (bytes > kMaxBytes || std::find(said.begin(), said.end(), text) != said.end()) return;
  said.push_back(std::move(text));
}

std::span<const Strategy* const> strategies() { return kStrategies; }

const Strategy& strategy_for(std::string_view storage_resource) {
  static const auto kByResource = [] {
    std::unordered_map<std::string_view, const Strategy*> map;
    for (const Strategy* strategy : kStrategies) map.emplace(strategy->storage_resource, strategy);
    return map;
  }();
  const auto found = kByResource.find(storage_resource);
  return found == kByResource.end() ? kPlain : *found->second;
}

const Strategy& strategy_for(const api::ResourceInfo& storage) {
  return storage.custom != nullptr ? kCustomStrategy : strategy_for(storage.storage_resource);
}

}  // namespace pinnace::apiserver
