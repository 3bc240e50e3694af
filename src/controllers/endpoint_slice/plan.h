// The EndpointSlices that a Service with a selector should have.
//
// Why changes and not a new set: slices are read by every node, so an endpoint stays in the slice
//   it is in, and a slice that is right is not written.
// Bounds: 100 endpoints in a slice.
// Source: discovery.k8s.io/v1 EndpointSlice; Kubernetes EndpointSlice documentation.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "api/types/discovery_v1.h"
#include "controllers/support/service_pods.h"

namespace pinnace::controllers::endpoint_slice {

using api::discovery_v1::EndpointSlice;
using SliceRef = std::shared_ptr<const EndpointSlice>;

inline constexpr std::size_t kMaxEndpoints = 100;
inline constexpr std::string_view kServiceName = "kubernetes.io/service-name";
inline constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";
inline constexpr std::string_view kManager = "endpointslice-controller.k8s.io";

struct Changes {
  std::vector<EndpointSlice> create, update;
  std::vector<SliceRef> remove;
};

// `zone_of` gives a node's zone, or "". `current` are the slices that this controller made.
Changes plan_slices(const core_v1::Service& service, const std::vector<PodRef>& pods,
                    const std::function<std::string(const std::string& node)>& zone_of,
                    const std::vector<SliceRef>& current);

}  // namespace pinnace::controllers::endpoint_slice
