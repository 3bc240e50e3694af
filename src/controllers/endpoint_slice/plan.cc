#include "controllers/endpoint_slice/plan.h"

#include <algorithm>
#include <map>

#include "controllers/support/owners.h"

namespace pinnace::controllers::endpoint_slice {
namespace {

using api::discovery_v1::Endpoint;
using api::discovery_v1::EndpointPort;
using Ports = std::vector<EndpointPort>;

// Endpoints that have the same ports, by the pod's uid.
struct Group {
  std::string family;
  Ports ports;
  std::map<std::string, Endpoint> endpoints;
};

std::vector<std::string> families(const core_v1::Service& service) {
  if (!service.spec.ip_families.empty()) return service.spec.ip_families;
  const bool v6 = service.spec.cluster_ip.find(':') != std::string::npos;
  return {v6 ? "IPv6" : "IPv4"};
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

std::vector<Group> collect(const core_v1::Service& service, const std::vector<PodRef>& pods,
                           const std::function<std::string(const std::string&)>& zone_of) {
  std::vector<Group> groups;
  for (const auto& family : families(service)) {
    const std::size_t first = groups.size();
    for (const auto& pod : pods) {
      if (!may_be_endpoint(*pod, true)) continue;
      auto pod_addresses = addresses(*pod, family);
      if (pod_addresses.empty()) continue;
      pod_addresses.resize(1);
      const Ports ports = make_ports(service, *pod);
      auto group = std::find_if(groups.begin() + static_cast<std::ptrdiff_t>(first), groups.end(),
                                [&](const Group& other) { return other.ports == ports; });
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

void set_labels(const core_v1::Service& service, EndpointSlice& slice) {
  slice.metadata.labels = service.metadata.labels;
  slice.metadata.labels.erase(std::string(kHeadlessLabel));
  if (is_headless(service)) slice.metadata.labels[std::string(kHeadlessLabel)] = "";
  slice.metadata.labels[std::string(kServiceName)] = service.metadata.name;
  slice.metadata.labels[std::string(kManagedBy)] = std::string(kManager);
}

EndpointSlice make_slice(const core_v1::Service& service, const Group& group) {
  EndpointSlice slice;
  slice.metadata.namespace_ = service.metadata.namespace_;
  slice.metadata.generate_name = service.metadata.name + '-';
  slice.metadata.owner_references = {make_controller_reference(service)};
  slice.address_type = group.family;
  slice.ports = group.ports;
  set_labels(service, slice);
  return slice;
}

// Takes from `group` what is in the slice already; gives the slice as it should be.
EndpointSlice keep(const core_v1::Service& service, const EndpointSlice& slice, Group& group) {
  EndpointSlice kept = slice;
  kept.endpoints.clear();
  set_labels(service, kept);
  for (const auto& endpoint : slice.endpoints) {
    const auto wanted = endpoint.target_ref ? group.endpoints.find(endpoint.target_ref->uid)
                                            : group.endpoints.end();
    if (wanted == group.endpoints.end()) continue;
    kept.endpoints.push_back(std::move(wanted->second));
    group.endpoints.erase(wanted);
  }
  return kept;
}

void fill(EndpointSlice& slice, Group& group) {
  while (!group.endpoints.empty() && slice.endpoints.size() < kMaxEndpoints) {
    slice.endpoints.push_back(std::move(group.endpoints.begin()->second));
    group.endpoints.erase(group.endpoints.begin());
  }
}

// One group's slices: keep what is there, fill the gaps, then make new ones.
void plan_group(const core_v1::Service& service, Group& group,
                const std::vector<SliceRef>& candidates, Changes& changes) {
  const bool empty = group.endpoints.empty();
  std::vector<EndpointSlice> kept;
  for (const auto& slice : candidates) kept.push_back(keep(service, *slice, group));
  for (auto& slice : kept) fill(slice, group);
  bool any = false;
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (kept[i].endpoints.empty() && !(empty && !any)) {
      changes.remove.push_back(candidates[i]);
      continue;
    }
    any = true;
    if (!(kept[i] == *candidates[i])) changes.update.push_back(std::move(kept[i]));
  }
  while (!group.endpoints.empty() || !any) {
    any = true;
    changes.create.push_back(make_slice(service, group));
    fill(changes.create.back(), group);
  }
}

}  // namespace

Changes plan_slices(const core_v1::Service& service, const std::vector<PodRef>& pods,
                    const std::function<std::string(const std::string&)>& zone_of,
                    const std::vector<SliceRef>& current) {
  Changes changes;
  std::vector<SliceRef> rest = current;
  for (auto& group : collect(service, pods, zone_of)) {
    const auto split = std::stable_partition(rest.begin(), rest.end(), [&](const SliceRef& slice) {
      return slice->address_type != group.family || !(slice->ports == group.ports);
    });
    const std::vector<SliceRef> candidates(split, rest.end());
    rest.erase(split, rest.end());
    plan_group(service, group, candidates, changes);
  }
  for (auto& slice : rest) changes.remove.push_back(std::move(slice));
  return changes;
}

}  // namespace pinnace::controllers::endpoint_slice
