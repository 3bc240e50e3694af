// The Endpoints object that a Service with a selector should have.
//
// Bounds: at most 1,000 addresses; when there are more, the object says so in the annotation
//   endpoints.kubernetes.io/over-capacity.
// Source: core/v1 Endpoints; Kubernetes' order and packing of subsets.
#pragma once

#include <optional>
#include <vector>

#include "controllers/support/service_pods.h"

namespace pinnace::controllers::endpoints {

inline constexpr std::size_t kMaxAddresses = 1000;

// `current` is what there is now, or null. Nothing: it is right as it is.
std::optional<core_v1::Endpoints> plan_endpoints(const core_v1::Service& service,
                                                 const std::vector<PodRef>& pods,
                                                 const core_v1::Endpoints* current);

// The same addresses and ports with as few subsets as can be. An address that is said to be ready
// and not ready for one port is not.
std::vector<core_v1::EndpointSubset> repacked(const std::vector<core_v1::EndpointSubset>& subsets);

}  // namespace pinnace::controllers::endpoints
