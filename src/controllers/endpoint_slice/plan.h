// The EndpointSlices that a Service with a selector should have.
//
// Source: discovery.k8s.io/v1 EndpointSlice; Kubernetes EndpointSlice documentation.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "controllers/support/service_pods.h"
#include "controllers/support/slice_groups.h"

namespace pinnace::controllers::endpoint_slice {

inline constexpr std::string_view kManager = "endpointslice-controller.k8s.io";

// `zone_of` gives a node's zone, or "". `current` are the slices that this controller made.
SliceChanges plan_slices(const core_v1::Service& service, const std::vector<PodRef>& pods,
                         const std::function<std::string(const std::string& node)>& zone_of,
                         const std::vector<SliceRef>& current);

}  // namespace pinnace::controllers::endpoint_slice
