#include "apiserver/strategies/service_feed.h"

#include <vector>

#include "api/json.h"
#include "apiserver/registry/stored_json.h"

namespace pinnace::apiserver {
std::vector<std::string> addresses_of(const api::Value* spec) {
  std::vector<std::string> addresses;
  if (spec == nullptr || spec->string_at("type") == "ExternalName") return addresses;
  const auto add = [&addresses](std::string_view text) {
    if (const auto address = api::parse_address(text)) addresses.push_back(address->text());
  };
  const auto* list = spec->find("clusterIPs");
  if (list == nullptr || !list->is_array() || list->empty()) {
    add(spec->string_at("clusterIP"));
    return addresses;
  }
  for (const auto& ip : list->items()) {
    if (ip.is_string()) add(ip.as_string());
  }
  return addresses;
}

std::set<std::int64_t> node_ports_in(const api::Value& spec) {
  std::set<std::int64_t> ports;
  const auto* list = spec.find("ports");
  if (list == nullptr || !list->is_array()) return ports;
  for (const auto& port : list->items()) {
    if (port.int_at("nodePort") != 0) ports.insert(port.int_at("nodePort"));
  }
  return ports;
}

std::set<std::int64_t> node_ports_of(const api::Value* spec) {
  if (spec == nullptr) return {};
  auto ports = node_ports_in(*spec);
  if (const auto check = spec->int_at("healthCheckNodePort"); check != 0) ports.insert(check);
  return ports;
}

void ServiceFeed::hold(const store::Object& service, bool is_held) {
  api::Arena arena;
  const auto parsed = parse_stored(arena, service);
  const auto* spec = parsed ? parsed->find("spec") : nullptr;
  for (const std::string& address : addresses_of(spec)) addresses_.hold(address, is_held);
  for (const std::int64_t port : node_ports_of(spec)) ports_.hold(port, is_held);
}

void ServiceFeed::refresh() {
  const auto begin_again = [this](const store::Snapshot& services) {
    addresses_.release_all();
    ports_.release_all();
    for (const auto& service : services.objects) hold(*service, true);
  };
  follower_.catch_up(begin_again, [this](const store::Event& event) {
    if (event.previous) hold(*event.previous, false);
    if (event.type != store::Event::Type::kDeleted) hold(*event.object, true);
  });
}

}  // namespace pinnace::apiserver
