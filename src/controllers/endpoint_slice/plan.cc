#include "controllers/endpoint_slice/plan.h"

#include <algorithm>

#include "controllers/support/owners.h"

namespace pinnace::controllers::endpoint_slice {
namespace {

using Ports = std::vector<EndpointPort>;

std::vector<std::string> families(const core_v1::Service& service) {
  if (!service.spec.ip_families.empty()) return service.spec.ip_families;
  const bool v6 = service.spec.cluster_ip.find(':') != std::string::npos;
  return {v6 ? "IPv6" : "IPv4"};
}

// Whom the endpoint is for, where the Service wants traffic to stay near.
void set_hints(const core_v1::Service& service, Endpoint& endpoint) {
  const auto& wanted = service.spec.traffic_distribution;
  const bool same_node = wanted && *wanted == "PreferSameNode";
  const bool same_zone = wanted && (*wanted == "PreferClose" || *wanted == "PreferSameZone");
  if (!(same_node || same_zone) || endpoint.conditions.ready != true) return;
  api::discovery_v1::EndpointHints hints;
  if (endpoint.zone) hints.for_zones.push_back({.name = *endpoint.zone});
  if (same_node && endpoint.node_name) hints.for_nodes.push_back({.name = *endpoint.node_name});
  if (!hints.for_zones.empty() || !hints.for_nodes.empty()) endpoint.hints = std::move(hints);
}

Endpoint make_endpoint(const core_v1::Service& service, const core_v1::Pod& pod,
                       std::vector<std::string> pod_addresses, const std::string& zone) {
  Endpoint endpoint;
  endpoint.addresses = std::move(pod_addresses);
  const bool serving = is_ready(pod), terminating = is_deleting(pod);
  endpoint.conditions.ready = service.spec.publish_not_ready_addresses || (serving && !terminating);
  endpoint.conditions.serving = service.spec.publish_not_ready_addresses || serving;
  endpoint.conditions.terminating = terminating;
  endpoint.target_ref = reference_to(pod);
  if (!pod.spec.node_name.empty()) endpoint.node_name = pod.spec.node_name;
  if (!zone.empty()) endpoint.zone = zone;
  if (has_hostname_in(pod, service)) endpoint.hostname = pod.spec.hostname;
  set_hints(service, endpoint);
  return endpoint;
}

Ports make_ports(const core_v1::Service& service, const core_v1::Pod& pod) {
  Ports ports;
  for (const auto& port : service.spec.ports) {
    const auto number = target_port(pod, port);
    if (!number) continue;
    EndpointPort made;
    made.name = port.name;
    made.protocol = port.protocol;
    made.port = *number;
    made.app_protocol = port.app_protocol;
    ports.push_back(std::move(made));
  }
  return ports;
}

// Endpoints by the pod's uid.
std::vector<SliceGroup> collect(const core_v1::Service& service, const std::vector<PodRef>& pods,
                                const std::function<std::string(const std::string&)>& zone_of) {
  std::vector<SliceGroup> groups;
  for (const auto& family : families(service)) {
    const std::size_t first = groups.size();
    for (const auto& pod : pods) {
      if (!may_be_endpoint(*pod, true)) continue;
      auto pod_addresses = addresses(*pod, family);
      if (pod_addresses.empty()) continue;
      pod_addresses.resize(1);
      const Ports ports = make_ports(service, *pod);
      auto group = std::find_if(groups.begin() + static_cast<std::ptrdiff_t>(first), groups.end(),
                                [&](const SliceGroup& other) { return other.ports == ports; });
      if (group == groups.end()) {
        groups.push_back({family, ports, {}});
        group = std::prev(groups.end());
      }
      group->endpoints.emplace(
          pod->metadata.uid,
          make_endpoint(service, *pod, std::move(pod_addresses), zone_of(pod->spec.node_name)));
    }
    // A Service without pods keeps one empty slice: it shows that the Service was looked at.
    if (groups.size() == first) groups.push_back({family, {}, {}});
  }
  return groups;
}

SliceFrame frame_of(const core_v1::Service& service) {
  SliceFrame frame;
  frame.namespace_ = service.metadata.namespace_;
  frame.generate_name = service.metadata.name + '-';
  frame.owner = make_controller_reference(service);
  frame.labels = service.metadata.labels;
  frame.labels.erase(std::string(kHeadlessLabel));
  if (is_headless(service)) frame.labels[std::string(kHeadlessLabel)] = "";
  frame.labels[std::string(kServiceName)] = service.metadata.name;
  frame.labels[std::string(kManagedBy)] = std::string(kManager);
  frame.key_of = [](const Endpoint& endpoint) {
    return endpoint.target_ref ? endpoint.target_ref->uid : std::string();
  };
  frame.shows_empty = true;
  return frame;
}

}  // namespace

SliceChanges plan_slices(const core_v1::Service& service, const std::vector<PodRef>& pods,
                         const std::function<std::string(const std::string&)>& zone_of,
                         const std::vector<SliceRef>& current) {
  return plan_slice_groups(frame_of(service), collect(service, pods, zone_of), current);
}

}  // namespace pinnace::controllers::endpoint_slice
