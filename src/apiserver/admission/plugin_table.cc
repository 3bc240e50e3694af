#include "apiserver/admission/plugin_table.h"

#include <algorithm>

namespace pinnace::apiserver {
namespace {

constexpr bool kOn = true, kOff = false;

// Kubernetes' order: what must exist first, then what fills in, then what others say about the
// object as it will be, and last what counts it.
constexpr PluginRow kPlugins[] = {
    {&kAlwaysAdmit, kOff},
    {&kNamespaceAutoProvision, kOff},
    {&kNamespaceLifecycle, kOn},
    {&kNamespaceExists, kOff},
    {&kLimitPodHardAntiAffinityTopology, kOff},
    {&kLimitRanger, kOn},
    {&kServiceAccount, kOn},
    {&kNodeRestriction, kOn},  // Every cluster here has nodes with agents of their own.
    {&kTaintNodesByCondition, kOn},
    {&kAlwaysPullImages, kOff},
    {&kImagePolicyWebhook, kOff},
    {&kPodPreset, kOn},  // See there.
    {&kPodSecurity, kOn},
    {&kPodSecurityPolicy, kOff},  // Gone from Kubernetes; for manifests of its time.
    {&kPodNodeSelector, kOff},
    {&kPriority, kOn},
    {&kDefaultTolerationSeconds, kOn},
    {&kPodTolerationRestriction, kOff},
    {&kEventRateLimit, kOff},
    {&kExtendedResourceToleration, kOff},
    {&kPersistentVolumeLabel, kOff},
    {&kDefaultStorageClass, kOn},
    {&kStorageObjectInUseProtection, kOn},
    {&kOwnerReferencesPermissionEnforcement, kOff},
    {&kPersistentVolumeClaimResize, kOn},
    {&kRuntimeClass, kOn},
    {&kCertificateApproval, kOn},
    {&kCertificateSigning, kOn},
    {&kClusterTrustBundleAttest, kOn},
    {&kCertificateSubjectRestriction, kOn},
    {&kDefaultIngressClass, kOn},
    {&kDenyServiceExternalIps, kOff},
    {&kPodTopologyLabels, kOn},
    {&kMutatingAdmissionPolicy, kOn},
    {&kMutatingAdmissionWebhook, kOn},
    {&kValidatingAdmissionPolicy, kOn},
    {&kValidatingAdmissionWebhook, kOn},
    {&kResourceQuota, kOn},
    {&kAlwaysDeny, kOff},
};

}  // namespace

std::span<const PluginRow> admission_plugins() { return kPlugins; }

const AdmissionPlugin* find_admission_plugin(std::string_view name) {
  const auto found = std::ranges::find_if(
      kPlugins, [&](const PluginRow& row) { return row.plugin->name == name; });
  return found == std::end(kPlugins) ? nullptr : found->plugin;
}

}  // namespace pinnace::apiserver
