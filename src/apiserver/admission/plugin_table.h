// The plugins of the admission chain, each in a folder of its name beside this file.
#pragma once

#include <span>

#include "apiserver/admission/admission.h"

namespace pinnace::apiserver {

extern const AdmissionPlugin kAlwaysAdmit, kNamespaceAutoProvision, kNamespaceLifecycle,
    kNamespaceExists, kLimitPodHardAntiAffinityTopology, kLimitRanger, kServiceAccount,
    kNodeRestriction, kTaintNodesByCondition, kAlwaysPullImages, kImagePolicyWebhook, kPodPreset,
    kPodSecurity, kPodSecurityPolicy, kPodNodeSelector, kPriority, kDefaultTolerationSeconds,
    kPodTolerationRestriction, kEventRateLimit, kExtendedResourceToleration, kPersistentVolumeLabel,
    kDefaultStorageClass, kStorageObjectInUseProtection, kOwnerReferencesPermissionEnforcement,
    kPersistentVolumeClaimResize, kRuntimeClass, kCertificateApproval, kCertificateSigning,
    kClusterTrustBundleAttest, kCertificateSubjectRestriction, kDefaultIngressClass,
    kDenyServiceExternalIps, kPodTopologyLabels, kMutatingAdmissionPolicy,
    kMutatingAdmissionWebhook, kValidatingAdmissionPolicy, kValidatingAdmissionWebhook,
    kResourceQuota, kAlwaysDeny;

struct PluginRow {
  const AdmissionPlugin* plugin;
  bool is_on_by_default;
};

// Every plugin that there is, in the order in which they run.
std::span<const PluginRow> admission_plugins();
const AdmissionPlugin* find_admission_plugin(std::string_view name);

}  // namespace pinnace::apiserver
