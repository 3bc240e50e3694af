// The EndpointSlices that show what somebody wrote into Endpoints by hand.
//
// Bounds: 1,000 addresses of each subset; more are left out.
// Source: Kubernetes' documentation of EndpointSlices, "EndpointSlice mirroring".
#pragma once

#include <vector>

#include "controllers/support/slice_groups.h"
#include "controllers/support/types.h"

namespace pinnace::controllers::endpoint_slice_mirroring {

inline constexpr std::string_view kManager = "endpointslicemirroring-controller.k8s.io";
inline constexpr std::size_t kMaxAddressesOfSubset = 1000;

// Whether slices show these Endpoints: of a Service without a selector, and not kept out of it.
bool is_mirrored(const core_v1::Endpoints& endpoints, const core_v1::Service& service);

// `current` are the slices that this controller made for these Endpoints.
SliceChanges plan_mirrors(const core_v1::Endpoints& endpoints,
                          const std::vector<SliceRef>& current);

}  // namespace pinnace::controllers::endpoint_slice_mirroring
