// Taints and tolerations.
//
// Source: Kubernetes "Taints and Tolerations".
#pragma once

#include <string_view>
#include <vector>

#include "controllers/support/types.h"

namespace pinnace::controllers {

inline constexpr std::string_view kNoSchedule = "NoSchedule";
inline constexpr std::string_view kNoExecute = "NoExecute";
inline constexpr std::string_view kNotReadyTaint = "node.kubernetes.io/not-ready";
inline constexpr std::string_view kUnreachableTaint = "node.kubernetes.io/unreachable";
inline constexpr std::string_view kUnschedulableTaint = "node.kubernetes.io/unschedulable";
inline constexpr std::string_view kMemoryPressureTaint = "node.kubernetes.io/memory-pressure";
inline constexpr std::string_view kDiskPressureTaint = "node.kubernetes.io/disk-pressure";
inline constexpr std::string_view kPidPressureTaint = "node.kubernetes.io/pid-pressure";
inline constexpr std::string_view kNetworkUnavailableTaint =
    "node.kubernetes.io/network-unavailable";

bool tolerates(const core_v1::Toleration& toleration, const core_v1::Taint& taint);
bool tolerated(const std::vector<core_v1::Toleration>& tolerations, const core_v1::Taint& taint);

}  // namespace pinnace::controllers
