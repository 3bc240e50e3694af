// Endpoints that have the same ports, spread over EndpointSlices: what the controllers share that
// write them.
//
// Why changes and not a new set: slices are read by every node, so an endpoint stays in the slice
//   it is in, and a slice that is right is not written.
// Bounds: kMaxEndpoints in a slice.
// Source: discovery.k8s.io/v1 EndpointSlice; Kubernetes EndpointSlice documentation.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/types/discovery_v1.h"

namespace pinnace::controllers {

using api::discovery_v1::Endpoint;
using api::discovery_v1::EndpointPort;
using api::discovery_v1::EndpointSlice;
using SliceRef = std::shared_ptr<const EndpointSlice>;

inline constexpr std::size_t kMaxEndpoints = 100;
inline constexpr std::string_view kServiceName = "kubernetes.io/service-name";
inline constexpr std::string_view kManagedBy = "endpointslice.kubernetes.io/managed-by";

// "NAMESPACE/NAME" of the Service that a slice of this manager is of; "" for slices of others.
std::string service_of(const EndpointSlice& slice, std::string_view manager);

using Texts = std::map<std::string, std::string, std::less<>>;

struct SliceGroup {
  std::string address_type;
  std::vector<EndpointPort> ports;
  std::map<std::string, Endpoint> endpoints;  // By what tells one from another.
};

// What is the same in all slices of one owner.
struct SliceFrame {
  std::string namespace_, generate_name;
  api::meta_v1::OwnerReference owner;
  Texts labels;
  std::optional<Texts> annotations;  // Unset: others' own affair.
  // Tells an endpoint from others of its group.
  std::function<std::string(const Endpoint&)> key_of;
  // Whether a group without endpoints has a slice.
  bool shows_empty = false;
};

struct SliceChanges {
  std::vector<EndpointSlice> create, update;
  std::vector<SliceRef> remove;
};

SliceChanges plan_slice_groups(const SliceFrame& frame, std::vector<SliceGroup> groups,
                               const std::vector<SliceRef>& current);

}  // namespace pinnace::controllers
