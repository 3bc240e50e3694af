#include "apiserver/strategies/service_allocation.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "apiserver/strategies/ip_address.h"
#include "apiserver/strategies/service_feed.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

bool gives_node_ports(const api::Value& spec) {
  const std::string_view type = spec.string_at("type");
  return type == "NodePort" ||
         (type == "LoadBalancer" && spec.bool_at("allocateLoadBalancerNodePorts", true));
}

// Also where none are given a client may ask for some.
bool has_node_ports(const api::Value& spec) {
  const std::string_view type = spec.string_at("type");
  return type == "NodePort" || type == "LoadBalancer";
}

// -- Addresses

// When the write is over, the address has an IPAddress or nobody has it.
void give_back_later(Change& change, const std::string& address) {
  change.finish.push_back([&addresses = *change.backend.service_addresses, address](bool) {
    addresses.give_back(address);
  });
}

Result<std::string> claim_any_address(Change& change, int family) {
  ServiceAddresses& addresses = *change.backend.service_addresses;
  std::string address = change.dry_run ? addresses.show_any(family) : addresses.take_any(family);
  if (!address.empty()) return address;
  return errors::internal("Internal error occurred: failed to allocate a serviceIP: range is full");
}

// Says what is wrong with it.
std::string claim_given_address(Change& change, const api::Address& address) {
  ServiceAddresses& addresses = *change.backend.service_addresses;
  return change.dry_run ? addresses.refusal_of(address) : addresses.take(address);
}

void register_address(Change& change, const std::string& address) {
  if (change.dry_run) return;
  give_back_later(change, address);
  change.companions.push_back(ip_address_of_service(
      address, change.ns, change.name, change.backend.now(), change.backend.options.rng));
}

// One for each family, in that order, as far as there are none yet: "" for those.
api::Value asked_addresses(Change& change, const api::Value& spec) {
  api::Value list = api::Value::array();
  const auto* said = spec.find("clusterIPs");
  const auto* families = spec.find("ipFamilies");
  if (said != nullptr && said->is_array()) list = api::deep_copy(change.arena, *said);
  while (families != nullptr && list.size() < families->size()) {
    list.append(change.arena, api::Value::string_ref(""));
  }
  return list;
}

Result<void> claim_addresses(Change& change, api::Value& spec, const api::Value* before) {
  if (spec.string_at("type") == "ExternalName" || spec.string_at("clusterIP") == "None") return {};
  const auto held = addresses_of(before);
  api::Value list = asked_addresses(change, spec);
  const api::Value asked = api::deep_copy(change.arena, list);
  const Field where = Field(change.causes, change.arena, &asked).as("spec.clusterIPs");
  const auto* families = spec.find("ipFamilies");
  for (std::size_t i = 0; i < list.size() && families != nullptr && i < families->size(); ++i) {
    const std::string text(list.items()[i].as_string());
    const auto address = api::parse_address(text);
    if (!address) {
      auto any = claim_any_address(change, families->items()[i].as_string() == "IPv4" ? 4 : 6);
      if (!any) return std::unexpected(std::move(any.error()));
      register_address(change, *any);
      list.items()[i] = change.text(*any);
      continue;
    }
    if (std::ranges::find(held, address->text()) != held.end()) continue;
    if (const auto refusal = claim_given_address(change, *address); !refusal.empty()) {
      where.invalid("failed to allocate IP " + text + ": " + refusal);
      return {};
    }
    register_address(change, address->text());
  }
  if (list.empty()) return {};
  spec.set_ref(change.arena, "clusterIP", list.items()[0]);
  spec.set_ref(change.arena, "clusterIPs", list);
  return {};
}

void release_addresses(Change& change, const api::Value& spec, const api::Value* before) {
  const auto kept = addresses_of(&spec);
  for (const std::string& address : addresses_of(before)) {
    if (std::ranges::find(kept, address) == kept.end()) {
      change.outdated.push_back(ip_address_key(address));
    }
  }
}

// -- Node ports

// When the write is over, a Service holds it or nobody does.
void give_port_back_later(Change& change, std::int64_t port) {
  change.guards.push_back({"node-port/" + std::to_string(port), 0});
  change.finish.push_back(
      [&feed = *change.backend.service_feed, &ports = *change.backend.node_ports, port](bool) {
        const auto lock = feed.lock();
        feed.refresh();
        ports.give_back(port);
      });
}

// Says what is wrong with it. `claimed` has those of this write.
using Claimed = std::set<std::int64_t>;
std::string claim_given_port(Change& change, std::int64_t port, Claimed& claimed) {
  PortAllocator& ports = *change.backend.node_ports;
  const bool is_outside = !ports.contains(port);
  if (is_outside && !change.dry_run) {
    return "provided port is not in the valid range. The range of valid ports is " +
           std::to_string(ports.first()) + "-" + std::to_string(ports.last());
  }
  const bool is_taken = is_outside ? claimed.contains(port) : !ports.take(port);
  if (is_taken) return "provided port is already allocated";
  claimed.insert(port);
  if (!is_outside) give_port_back_later(change, port);
  return {};
}

Result<std::int64_t> claim_any_port(Change& change, const std::string& what, Claimed& claimed) {
  // Who only asks is shown one that nobody gets.
  constexpr std::int64_t kShown = 32769;
  if (change.dry_run) {
    return *claimed.insert(claimed.empty() ? kShown : *claimed.rbegin() + 1).first;
  }
  const int port = change.backend.node_ports->take_any();
  if (port == 0) {
    return errors::internal("Internal error occurred: failed to allocate a " + what +
                            ": range is full");
  }
  give_port_back_later(change, port);
  return port;
}

// Of a new Service, ports with the same number and another protocol get the same node port.
std::int64_t port_of_twin(const api::Value& ports, std::int64_t number) {
  for (const auto& other : ports.items()) {
    if (other.int_at("port") == number && other.int_at("nodePort") != 0) {
      return other.int_at("nodePort");
    }
  }
  return 0;
}

Result<void> claim_ports(Change& change, const Field& spec, api::Value& writable,
                         const api::Value* before, Claimed& ports_claimed) {
  auto* list = writable.find("ports");
  if (!has_node_ports(writable) || list == nullptr || !list->is_array()) return {};
  const std::set<std::int64_t> held = node_ports_of(before);
  // Two ports of a new Service may share one only when they have the same number.
  std::set<std::pair<std::int64_t, std::int64_t>> claimed;
  for (std::size_t i = 0; i < list->size(); ++i) {
    const api::Value& port = list->items()[i];
    const std::int64_t wanted = port.int_at("nodePort");
    if (wanted == 0 || held.contains(wanted)) continue;
    const std::int64_t number = before == nullptr ? port.int_at("port") : 0;
    if (!claimed.emplace(number, wanted).second) continue;
    if (const auto refusal = claim_given_port(change, wanted, ports_claimed); !refusal.empty()) {
      spec["ports"].at(i)["nodePort"].invalid(refusal);
      return {};
    }
  }
  if (!gives_node_ports(writable)) return {};
  for (auto& port : list->items()) {
    if (port.int_at("nodePort") != 0) continue;
    std::int64_t chosen = before == nullptr ? port_of_twin(*list, port.int_at("port")) : 0;
    if (chosen == 0) {
      const auto any = claim_any_port(change, "nodePort", ports_claimed);
      if (!any) return std::unexpected(any.error());
      chosen = *any;
    }
    port.set_ref(change.arena, "nodePort", api::Value::integer(chosen));
  }
  return {};
}

bool needs_health_port(const api::Value& spec) {
  return spec.string_at("type") == "LoadBalancer" &&
         spec.string_at("externalTrafficPolicy") == "Local";
}

Result<void> claim_health_port(Change& change, api::Value& spec, const api::Value* before,
                               Claimed& claimed) {
  if (!needs_health_port(spec) || (before != nullptr && needs_health_port(*before))) return {};
  const std::int64_t wanted = spec.int_at("healthCheckNodePort");
  if (wanted == 0) {
    const auto any = claim_any_port(change, "HealthCheck NodePort 0", claimed);
    if (!any) return std::unexpected(any.error());
    spec.set_ref(change.arena, "healthCheckNodePort", api::Value::integer(*any));
    return {};
  }
  if (const auto refusal = claim_given_port(change, wanted, claimed); !refusal.empty()) {
    return errors::internal(
        "Internal error occurred: failed to allocate requested HealthCheck NodePort " +
        std::to_string(wanted) + ": " + refusal);
  }
  return {};
}

// What is decided by the other Services that there are.
Result<void> claim_from_services(Change& change, api::Value& spec, const api::Value* before) {
  ServiceFeed& feed = *change.backend.service_feed;
  const store::Revision seen = change.backend.store().revision();
  const std::size_t other_guards = change.guards.size();
  const auto lock = feed.lock();
  feed.refresh();
  // The fields show what was asked for; `spec` gets what is given.
  const api::Value asked = api::deep_copy(change.arena, spec);
  const Field shown = Field(change.causes, change.arena, &asked).as("spec");
  Claimed claimed;
  auto ok = claim_addresses(change, spec, before);
  if (ok && change.causes.empty()) ok = claim_ports(change, shown, spec, before, claimed);
  if (ok && change.causes.empty()) ok = claim_health_port(change, spec, before, claimed);
  for (std::size_t i = other_guards; i < change.guards.size(); ++i) change.guards[i].seen = seen;
  return ok;
}

}  // namespace

Result<void> claim_service(Change& change, api::Value& object, const api::Value* old) {
  api::Value* spec = object.find("spec");
  if (spec == nullptr || !spec->is_object()) return {};
  const bool has_odd_addresses = std::ranges::any_of(change.causes, [](const Cause& cause) {
    return cause.field.starts_with("spec.clusterIP") || cause.field.starts_with("spec.ipFamil");
  });
  if (has_odd_addresses) return {};
  const auto* before = old == nullptr ? nullptr : old->find("spec");
  std::vector<Cause> wrong = std::exchange(change.causes, {});
  auto ok = claim_from_services(change, *spec, before);
  if (ok) release_addresses(change, *spec, before);
  if (change.causes.empty()) change.causes = std::move(wrong);
  return ok;
}

std::vector<store::Key> addresses_of_service(const api::Value& service) {
  std::vector<store::Key> keys;
  for (const auto& address : addresses_of(service.find("spec"))) {
    keys.push_back(ip_address_key(address));
  }
  return keys;
}

void keep_node_ports(Change& change, api::Value& spec, const api::Value& before) {
  auto* ports = spec.find("ports");
  if (ports == nullptr || !ports->is_array()) return;
  const std::set<std::int64_t> was = node_ports_in(before), said = node_ports_in(spec);
  if (has_node_ports(before) && !has_node_ports(spec)) {
    // Ports that the client left as they were go with the type that needed them.
    if (!std::ranges::includes(was, said)) return;
    for (auto& port : ports->items()) port.erase("nodePort");
    return;
  }
  const auto* old_ports = before.find("ports");
  if (!gives_node_ports(before) || !gives_node_ports(spec) || old_ports == nullptr) return;
  std::map<std::string_view, std::int64_t> named;
  for (const auto& old : old_ports->items()) named[old.string_at("name")] = old.int_at("nodePort");
  for (auto& port : ports->items()) {
    const auto found = named.find(port.string_at("name"));
    if (port.int_at("nodePort") != 0 || found == named.end() || found->second == 0) continue;
    if (was.contains(found->second) && said.contains(found->second)) continue;
    port.set_ref(change.arena, "nodePort", api::Value::integer(found->second));
  }
}

}  // namespace pinnace::apiserver
