#include "controllers/endpoints/plan.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace pinnace::controllers::endpoints {
namespace {

constexpr std::string_view kOverCapacity = "endpoints.kubernetes.io/over-capacity";
constexpr std::string_view kManagedBy = "endpoints.kubernetes.io/managed-by";

using core_v1::EndpointAddress;
using core_v1::EndpointPort;
using core_v1::EndpointSubset;

// A pod's address and whether it may be used, by (ip, uid): the order in which they are listed.
struct Entry {
  EndpointAddress address;
  bool ready = false;
  bool operator==(const Entry&) const = default;
};
using Entries = std::map<std::pair<std::string, std::string>, Entry>;
// By (name, protocol, port), the order in which ports are listed. No port at all: port 0.
using PortKey = std::tuple<std::string, std::string, std::int32_t, std::string>;

// Endpoints know one family: the Service's first.
std::string address_of(const core_v1::Service& service, const core_v1::Pod& pod) {
  const auto& families = service.spec.ip_families;
  const auto found = addresses(pod, families.empty() ? "IPv4" : families.front());
  return found.empty() ? std::string() : found.front();
}

Entry make_entry(const core_v1::Service& service, const core_v1::Pod& pod, const std::string& ip) {
  Entry entry;
  entry.address.ip = ip;
  if (!pod.spec.node_name.empty()) entry.address.node_name = pod.spec.node_name;
  entry.address.target_ref = reference_to(pod);
  if (has_hostname_in(pod, service)) entry.address.hostname = pod.spec.hostname;
  entry.ready = service.spec.publish_not_ready_addresses || is_ready(pod);
  return entry;
}

std::map<PortKey, Entries> collect(const core_v1::Service& service,
                                   const std::vector<PodRef>& pods) {
  std::map<PortKey, Entries> by_port;
  for (const auto& pod : pods) {
    if (!may_be_endpoint(*pod, service.spec.publish_not_ready_addresses)) continue;
    const std::string ip = address_of(service, *pod);
    if (ip.empty()) continue;
    const Entry entry = make_entry(service, *pod, ip);
    const std::pair key(ip, pod->metadata.uid);
    if (service.spec.ports.empty() && is_headless(service)) {
      by_port[{"", "", 0, ""}].emplace(key, entry);
    }
    for (const auto& port : service.spec.ports) {
      const auto number = target_port(*pod, port);
      if (!number) continue;
      by_port[{port.name, port.protocol, *number, port.app_protocol.value_or("")}].emplace(key,
                                                                                           entry);
    }
  }
  return by_port;
}

EndpointPort make_port(const PortKey& key) {
  EndpointPort port;
  std::string app_protocol;
  std::tie(port.name, port.protocol, port.port, app_protocol) = key;
  if (!app_protocol.empty()) port.app_protocol = app_protocol;
  return port;
}

// Ports that have the same addresses share a subset.
std::vector<EndpointSubset> pack(const std::map<PortKey, Entries>& by_port) {
  std::vector<std::pair<const Entries*, EndpointSubset>> groups;
  for (const auto& [key, entries] : by_port) {
    auto group = std::find_if(groups.begin(), groups.end(),
                              [&](const auto& other) { return *other.first == entries; });
    if (group == groups.end()) {
      groups.emplace_back(&entries, EndpointSubset{});
      group = std::prev(groups.end());
      for (const auto& [id, entry] : entries) {
        auto& subset = group->second;
        (entry.ready ? subset.addresses : subset.not_ready_addresses).push_back(entry.address);
      }
    }
    if (std::get<2>(key) != 0) group->second.ports.push_back(make_port(key));
  }
  std::vector<EndpointSubset> subsets;
  for (auto& group : groups) subsets.push_back(std::move(group.second));
  return subsets;
}

// Cuts to the bound, not-ready addresses first. True if something was cut.
bool truncate(std::vector<EndpointSubset>& subsets) {
  std::size_t room = kMaxAddresses;
  bool cut = false;
  const auto keep = [&](std::vector<EndpointAddress>& list) {
    if (list.size() > room) {
      list.resize(room);
      cut = true;
    }
    room -= list.size();
  };
  for (auto& subset : subsets) keep(subset.addresses);
  for (auto& subset : subsets) keep(subset.not_ready_addresses);
  std::erase_if(subsets, [](const EndpointSubset& subset) {
    return subset.addresses.empty() && subset.not_ready_addresses.empty();
  });
  return cut;
}

}  // namespace

std::vector<EndpointSubset> repacked(const std::vector<EndpointSubset>& subsets) {
  std::map<PortKey, Entries> by_port;
  for (const auto& subset : subsets) {
    std::vector<PortKey> ports;
    for (const auto& port : subset.ports) {
      ports.emplace_back(port.name, port.protocol, port.port, port.app_protocol.value_or(""));
    }
    if (ports.empty()) ports.emplace_back("", "", 0, "");
    for (const auto* addresses : {&subset.addresses, &subset.not_ready_addresses}) {
      const bool is_ready = addresses == &subset.addresses;
      for (const auto& address : *addresses) {
        const std::pair key(address.ip, address.target_ref ? address.target_ref->uid : "");
        for (const auto& port : ports) {
          Entry& entry = by_port[port].try_emplace(key, Entry{address, is_ready}).first->second;
          entry.ready = entry.ready && is_ready;
        }
      }
    }
  }
  return pack(by_port);
}

std::optional<core_v1::Endpoints> plan_endpoints(const core_v1::Service& service,
                                                 const std::vector<PodRef>& pods,
                                                 const core_v1::Endpoints* current) {
  core_v1::Endpoints wanted;
  if (current != nullptr) wanted = *current;
  wanted.metadata.name = service.metadata.name;
  wanted.metadata.namespace_ = service.metadata.namespace_;
  wanted.metadata.labels = service.metadata.labels;
  wanted.metadata.labels.erase(std::string(kHeadlessLabel));
  if (is_headless(service)) wanted.metadata.labels[std::string(kHeadlessLabel)] = "";
  wanted.metadata.labels[std::string(kManagedBy)] = "endpoint-controller";
  wanted.subsets = pack(collect(service, pods));
  if (truncate(wanted.subsets)) {
    wanted.metadata.annotations[std::string(kOverCapacity)] = "truncated";
  } else {
    wanted.metadata.annotations.erase(std::string(kOverCapacity));
  }
  if (current != nullptr && wanted == *current) return std::nullopt;
  return wanted;
}

}  // namespace pinnace::controllers::endpoints
