// Endpoints and EndpointSlices: where Services lead to.
#include <set>

#include "api/addresses.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxEndpoints = 1000, kMaxPorts = 20000, kMaxAddresses = 100;
constexpr std::size_t kMaxTopology = 16, kMaxHints = 8;
using Texts = std::set<std::string, std::less<>>;

// -- Endpoints

void validate_address(const Field& address) {
  const Field ip = address["ip"];
  const Field host = address["hostname"];
  const Field node = address["nodeName"];
  ip.each(api::check_ip(ip.text()));
  if (!host.empty()) host.each(api::check_dns1123_label(host.text()));
  if (node.is_set()) node.each(api::check_dns1123_subdomain(node.text()));
  validate_non_special_ip(ip);
}

void validate_subset_port(const Field& port, bool needs_name) {
  const Field name = port["name"];
  if (!name.empty()) {
    name.each(api::check_dns1123_label(name.text()));
  } else if (needs_name) {
    name.required();
  }
  const Field number = port["port"];
  number.each(api::check_port_number(number.number()));
  if (port["protocol"].require()) port["protocol"].one_of({"SCTP", "TCP", "UDP"});
  const Field application = port["appProtocol"];
  if (application.is_set()) application.each(api::check_qualified_name(application.text()));
}

// What stands there already was once right.
bool keeps_subsets(Change& change, const api::Value& object) {
  return change.old != nullptr &&
         root(change, object)["subsets"].same_as(change.old->find("subsets"));
}

void validate_endpoints(Change& change, const api::Value& object) {
  if (keeps_subsets(change, object)) return;
  for (const Field& subset : root(change, object)["subsets"].items()) {
    if (subset["addresses"].empty() && subset["notReadyAddresses"].empty()) {
      subset.required("must specify `addresses` or `notReadyAddresses`");
    }
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      for (const Field& address : subset[list].items()) validate_address(address);
    }
    const Field ports = subset["ports"];
    for (const Field& port : ports.items()) validate_subset_port(port, ports.size() > 1);
  }
}

void warn_about_endpoints(Change& change, const api::Value& object, const api::Value*) {
  for (const Field& subset : root(change, object)["subsets"].items()) {
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      for (const Field& address : subset[list].items()) {
        const Field ip = address["ip"];
        for (auto& text : api::address_warnings(ip.path(), ip.text())) change.warn(std::move(text));
      }
    }
  }
}

// -- EndpointSlice

void validate_slice_address(const Field& address, const Field& type) {
  if (type.is("FQDN")) return address.each(api::check_dns1123_subdomain(address.text()));
  const auto parsed = api::parse_address(address.text());
  address.each(api::check_ip(address.text()));
  if (!parsed) return;
  if (type.is("IPv4") && parsed->family != 4) address.invalid("must be an IPv4 address");
  if (type.is("IPv6") && parsed->family != 6) address.invalid("must be an IPv6 address");
  validate_non_special_ip(address);
}

void validate_topology(const Field& endpoint) {
  const Field topology = endpoint["deprecatedTopology"];
  if (topology.size() > kMaxTopology) topology.too_many(kMaxTopology);
  validate_label_map(topology);
  const Field hostname = topology.at_key("kubernetes.io/hostname");
  if (hostname.is_set()) {
    hostname.as(topology["kubernetes.io/hostname"]).invalid("hostname is not allowed in topology");
  }
}

void validate_hints(const Field& hints) {
  for (const char* list : {"forZones", "forNodes"}) {
    const Field places = hints[list];
    Texts names;
    if (places.size() > kMaxHints) places.too_many(kMaxHints);
    for (const Field& place : places.items()) {
      const Field name = place["name"];
      if (!names.emplace(name.text()).second) name.duplicate();
      name.each(api::check_label_value(name.text()));
    }
  }
}

void validate_slice_endpoint(const Field& endpoint, const Field& type) {
  const Field addresses = endpoint["addresses"];
  if (addresses.empty()) {
    addresses.required("must contain at least 1 address");
  } else if (addresses.size() > kMaxAddresses) {
    addresses.too_many(kMaxAddresses);
  }
  Texts seen;
  for (const Field& address : addresses.items()) {
    if (!seen.emplace(address.text()).second) address.duplicate();
    validate_slice_address(address, type);
  }
  const Field node = endpoint["nodeName"];
  const Field host = endpoint["hostname"];
  const Field zone = endpoint["zone"];
  if (node.is_set()) node.each(api::check_dns1123_subdomain(node.text()));
  validate_topology(endpoint);
  if (host.is_set()) host.each(api::check_dns1123_label(host.text()));
  if (zone.is_set()) zone.each(api::check_label_value(zone.text()));
  validate_hints(endpoint["hints"]);
}

void validate_slice_ports(const Field& ports) {
  Texts names;
  if (ports.size() > kMaxPorts) return ports.too_many(kMaxPorts);
  for (const Field& port : ports.items()) {
    const Field name = port["name"];
    if (!name.empty()) name.each(api::check_dns1123_label(name.text()));
    if (!names.emplace(name.text()).second) {
      name.duplicate_value(quoted(name.text()));
    }
    const Field number = port["port"];
    if (number.is_set()) number.each(api::check_port_number(number.number()));
    if (port["protocol"].require()) port["protocol"].one_of({"SCTP", "TCP", "UDP"});
    const Field application = port["appProtocol"];
    if (application.is_set()) application.each(api::check_qualified_name(application.text()));
  }
}

void validate_slice(Change& change, const api::Value& object) {
  const Field slice = root(change, object);
  const Field type = slice["addressType"];
  if (type.require()) type.one_of({"FQDN", "IPv4", "IPv6"});
  const Field endpoints = slice["endpoints"];
  if (endpoints.size() > kMaxEndpoints) {
    endpoints.too_many(kMaxEndpoints);
  } else {
    for (const Field& endpoint : endpoints.items()) validate_slice_endpoint(endpoint, type);
  }
  validate_slice_ports(slice["ports"]);
}

void keep_slice(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["addressType"].immutable(old.find("addressType"));
}

void warn_about_slice(Change& change, const api::Value& object, const api::Value*) {
  const Field slice = root(change, object);
  if (slice["addressType"].is("FQDN")) {
    change.warn("addressType: FQDN endpoints are deprecated");
    return;
  }
  for (const Field& endpoint : slice["endpoints"].items()) {
    for (const Field& ip : endpoint["addresses"].items()) {
      for (auto& text : api::address_warnings(ip.path(), ip.text())) change.warn(std::move(text));
    }
  }
}

}  // namespace

const Strategy kEndpointsStrategy{
    .storage_resource = "endpoints",
    .create_on_update = true,
    .validate = validate_endpoints,
    .warn = warn_about_endpoints,
};
const Strategy kEndpointSliceStrategy{
    .storage_resource = "discovery.k8s.io/endpointslices",
    .has_generation = true,
    .validate = validate_slice,
    .validate_update = keep_slice,
    .warn = warn_about_slice,
};

}  // namespace pinnace::apiserver
