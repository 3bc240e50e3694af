#include "apiserver/strategies/service_allocation.h"

#include <algorithm>
#include <map>
#include <set>

#include "apiserver/strategies/service_feed.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

bool has_node_ports(const api::Value& spec) {
  const std::string_view type = spec.string_at("type");
  return type == "NodePort" ||
         (type == "LoadBalancer" && spec.bool_at("allocateLoadBalancerNodePorts", true));
}

// When the write is over, a Service holds it or nobody does.
template <typename Allocator, typename Number>
void give_back_later(Change& change, Allocator& from, const Number& number, std::string guard) {
  change.guards.push_back({std::move(guard), 0});
  change.finish.push_back([&feed = *change.backend.service_feed, &from, number](bool) {
    const auto lock = feed.lock();
    feed.refresh();
    from.give_back(number);
  });
}

void claim_ip(Change& change, const Field& spec, api::Value& writable, const std::string& held) {
  if (spec["type"].text() == "ExternalName" || spec["clusterIP"].text() == "None") return;
  IpAllocator& ips = *change.backend.service_ips;
  std::string ip(spec["clusterIP"].text());
  if (!held.empty() && ip == held) return;
  const Field where = spec["clusterIPs"];
  if (ip.empty()) {
    ip = ips.take_any();
    if (ip.empty()) {
      return where.invalid_value("[]", "failed to allocate IP: range is full");
    }
  } else if (!ips.contains(ip)) {
    return where.invalid("failed to allocate IP " + ip + ": the provided IP (" + ip +
                         ") is not in the valid range. The range of valid IPs is " + ips.cidr());
  } else if (!ips.take(ip)) {
    return where.invalid("failed to allocate IP " + ip + ": provided IP is already allocated");
  }
  give_back_later(change, ips, ip, "service-ip/" + ip);
  api::Value list = api::Value::array();
  list.append(change.arena, change.text(ip));
  writable.set_ref(change.arena, "clusterIP", change.text(ip));
  writable.set_ref(change.arena, "clusterIPs", list);
}

void give_port_back_later(Change& change, std::int64_t port) {
  give_back_later(change, *change.backend.node_ports, port, "node-port/" + std::to_string(port));
}

void claim_given_port(Change& change, const Field& port) {
  PortAllocator& ports = *change.backend.node_ports;
  if (!ports.contains(port.number())) {
    return port.invalid("provided port is not in the valid range. The range of valid ports is " +
                        std::to_string(ports.first()) + "-" + std::to_string(ports.last()));
  }
  if (!ports.take(port.number())) return port.invalid("provided port is already allocated");
  give_port_back_later(change, port.number());
}

int claim_any_port(Change& change, const Field& where) {
  const int port = change.backend.node_ports->take_any();
  if (port == 0) {
    where.invalid_value("0", "failed to allocate a nodePort: range is full");
  } else {
    give_port_back_later(change, port);
  }
  return port;
}

void claim_ports(Change& change, const Field& spec, api::Value& writable,
                 const std::set<std::int64_t>& held) {
  auto* list = writable.find("ports");
  if (!has_node_ports(writable) || list == nullptr || !list->is_array()) return;
  std::set<std::int64_t> own = held;  // Of this Service: free to use again.
  for (const Field& port : spec["ports"].items()) {
    const Field wanted = port["nodePort"];
    if (wanted.empty() || !own.insert(wanted.number()).second) continue;
    claim_given_port(change, wanted);
  }
  // Ports with the same number and another protocol get the same node port.
  for (std::size_t i = 0; i < list->size(); ++i) {
    api::Value& port = list->items()[i];
    if (port.int_at("nodePort") != 0) continue;
    std::int64_t chosen = 0;
    for (const auto& other : list->items()) {
      const bool is_twin = other.int_at("port") == port.int_at("port") &&
                           other.string_at("protocol") != port.string_at("protocol");
      if (is_twin && chosen == 0) chosen = other.int_at("nodePort");
    }
    if (chosen == 0) chosen = claim_any_port(change, spec["ports"].at(i)["nodePort"]);
    port.set_ref(change.arena, "nodePort", api::Value::integer(chosen));
  }
}

void claim_health_port(Change& change, const Field& spec, api::Value& writable,
                       const std::set<std::int64_t>& held) {
  const bool needs =
      spec["type"].text() == "LoadBalancer" && spec["externalTrafficPolicy"].text() == "Local";
  const Field wanted = spec["healthCheckNodePort"];
  if (!needs) {
    writable.erase("healthCheckNodePort");
    return;
  }
  if (wanted.empty()) {
    const int port = claim_any_port(change, wanted);
    writable.set_ref(change.arena, "healthCheckNodePort", api::Value::integer(port));
  } else if (!held.contains(wanted.number())) {
    claim_given_port(change, wanted);
  }
}

}  // namespace

void claim_service(Change& change, api::Value& object, const api::Value* old) {
  api::Value* writable = object.find("spec");
  if (writable == nullptr || !writable->is_object()) return;
  const auto* before = old == nullptr ? nullptr : old->find("spec");
  ServiceFeed& feed = *change.backend.service_feed;
  const store::Revision seen = change.backend.store().revision();
  const std::size_t other_guards = change.guards.size();
  const auto lock = feed.lock();
  feed.refresh();
  // The fields show what was asked for; `writable` gets what is given.
  const api::Value asked = api::deep_copy(change.arena, *writable);
  const Field spec = Field(change.causes, change.arena, &asked).as("spec");
  const std::string old_ip = cluster_ip_of(before);
  const auto old_ports = node_ports_of(before);
  claim_ip(change, spec, *writable, old_ip);
  claim_ports(change, spec, *writable, old_ports);
  claim_health_port(change, spec, *writable, old_ports);
  for (std::size_t i = other_guards; i < change.guards.size(); ++i) change.guards[i].seen = seen;
}

void keep_node_ports(Change& change, api::Value& spec, const api::Value& before) {
  auto* ports = spec.find("ports");
  if (ports == nullptr || !ports->is_array()) return;
  const auto* old_ports = before.find("ports");
  if (!has_node_ports(spec)) {
    // A port that the client left as it was goes with the type that needed it.
    const auto held = node_ports_of(&before);
    if (!has_node_ports(before)) return;
    for (auto& port : ports->items()) {
      if (held.contains(port.int_at("nodePort"))) port.erase("nodePort");
    }
    return;
  }
  if (old_ports == nullptr || !old_ports->is_array()) return;
  std::set<std::int64_t> said = node_ports_of(&spec);
  const auto place_of = [](const api::Value& port) {
    return std::pair(port.int_at("port"), port.string_at("protocol"));
  };
  std::map<decltype(place_of(spec)), std::int64_t> held;
  for (const auto& old : old_ports->items()) {
    if (old.int_at("nodePort") != 0) held[place_of(old)] = old.int_at("nodePort");
  }
  for (auto& port : ports->items()) {
    if (port.int_at("nodePort") != 0) continue;
    const auto found = held.find(place_of(port));
    if (found == held.end() || !said.insert(found->second).second) continue;
    port.set_ref(change.arena, "nodePort", api::Value::integer(found->second));
  }
}

}  // namespace pinnace::apiserver
