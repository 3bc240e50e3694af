#include "controllers/endpoint_slice_mirroring/plan.h"

#include <algorithm>

#include "api/addresses.h"
#include "controllers/endpoints/plan.h"
#include "controllers/support/owners.h"

namespace pinnace::controllers::endpoint_slice_mirroring {
namespace {

constexpr std::string_view kSkip = "endpointslice.kubernetes.io/skip-mirror";
constexpr std::string_view kLeader = "control-plane.alpha.kubernetes.io/leader";
// What concerns the Endpoints object alone.
constexpr std::string_view kOwnAnnotations[] = {"kubectl.kubernetes.io/last-applied-configuration",
                                                "endpoints.kubernetes.io/last-change-trigger-time"};

std::vector<EndpointPort> ports_of(const core_v1::EndpointSubset& subset) {
  std::vector<EndpointPort> ports;
  for (const auto& port : subset.ports) {
    EndpointPort made;
    made.name = port.name;
    made.protocol = port.protocol;
    made.port = port.port;
    made.app_protocol = port.app_protocol;
    ports.push_back(std::move(made));
  }
  return ports;
}

Endpoint endpoint_of(const core_v1::EndpointAddress& address, bool is_ready) {
  Endpoint endpoint;
  endpoint.addresses = {address.ip};
  endpoint.conditions.ready = is_ready;
  endpoint.target_ref = address.target_ref;
  endpoint.node_name = address.node_name;
  if (!address.hostname.empty()) endpoint.hostname = address.hostname;
  return endpoint;
}

std::string key_of_endpoint(const Endpoint& endpoint) {
  return endpoint.addresses.empty() ? std::string() : endpoint.addresses[0];
}

void collect(const core_v1::EndpointSubset& subset, std::vector<SliceGroup>& groups) {
  const auto ports = ports_of(subset);
  std::size_t taken = 0;
  const auto take = [&](const core_v1::EndpointAddress& address, bool is_ready) {
    const auto parsed = api::parse_address(address.ip);
    if (!parsed || taken == kMaxAddressesOfSubset) return;
    const char* type = parsed->family == 4 ? "IPv4" : "IPv6";
    auto group = std::find_if(groups.begin(), groups.end(), [&](const SliceGroup& other) {
      return other.address_type == type && other.ports == ports;
    });
    if (group == groups.end()) group = groups.insert(groups.end(), {type, ports, {}});
    taken += group->endpoints.emplace(address.ip, endpoint_of(address, is_ready)).second;
  };
  for (const auto& address : subset.addresses) take(address, true);
  for (const auto& address : subset.not_ready_addresses) take(address, false);
}

SliceFrame frame_of(const core_v1::Endpoints& endpoints) {
  SliceFrame frame;
  frame.namespace_ = endpoints.metadata.namespace_;
  frame.generate_name = endpoints.metadata.name + '-';
  frame.owner = make_controller_reference(endpoints);
  frame.labels = endpoints.metadata.labels;
  frame.labels[std::string(kServiceName)] = endpoints.metadata.name;
  frame.labels[std::string(kManagedBy)] = std::string(kManager);
  frame.annotations = endpoints.metadata.annotations;
  for (const std::string_view key : kOwnAnnotations) frame.annotations->erase(std::string(key));
  frame.key_of = key_of_endpoint;
  return frame;
}

}  // namespace

bool is_mirrored(const core_v1::Endpoints& endpoints, const core_v1::Service& service) {
  const auto& labels = endpoints.metadata.labels;
  const auto skip = labels.find(kSkip);
  const bool is_skipped = skip != labels.end() && skip->second == "true";
  return service.spec.selector.empty() && !is_skipped &&
         !endpoints.metadata.annotations.contains(kLeader);
}

SliceChanges plan_mirrors(const core_v1::Endpoints& from, const std::vector<SliceRef>& current) {
  std::vector<SliceGroup> groups;
  for (const auto& subset : endpoints::repacked(from.subsets)) collect(subset, groups);
  return plan_slice_groups(frame_of(from), std::move(groups), current);
}

}  // namespace pinnace::controllers::endpoint_slice_mirroring
