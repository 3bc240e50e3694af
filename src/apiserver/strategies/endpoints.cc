// Endpoints and EndpointSlices: where Services lead to.
#include <set>

#include "api/addresses.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

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

// "example.com", perhaps with a dot behind it.
void validate_domain(const Field& address) {
  std::string_view domain = address.text();
  if (!address.require()) return;
  if (domain.ends_with('.')) domain.remove_suffix(1);
  const auto complain = [&](std::string_view part, const std::string& detail) {
    address.invalid_value(quoted(part), detail);
  };
  const auto labels = split(domain, '.');
  if (const auto wrong = api::check_dns1123_subdomain(domain); !wrong.empty()) {
    complain(domain, join(wrong, ","));
  } else if (labels.size() < 2) {
    complain(domain, "should be a domain with at least two segments separated by dots");
  } else {
    for (const std::string_view label : labels) {
      const auto bad = api::check_dns1123_label(label);
      if (!bad.empty()) return complain(label, join(bad, ","));
    }
  }
}

void validate_slice_address(const Field& addresses, const Field& address, const Field& type) {
  if (type.is("FQDN")) return validate_domain(address);
  if (!type.is_among({"IPv4", "IPv6"})) return;
  const auto parsed = api::parse_address(address.text());
  address.each(api::check_ip(address.text()));
  if (!parsed) return;
  // Complaints about the family are about the list.
  const Field place = address.as(addresses);
  if (type.is("IPv4") && parsed->family != 4) place.invalid("must be an IPv4 address");
  if (type.is("IPv6") && parsed->family != 6) place.invalid("must be an IPv6 address");
  validate_non_special_ip(address);
}

void validate_topology(const Field& endpoint) {
  const Field topology = endpoint["deprecatedTopology"];
  if (topology.size() > kMaxTopology) topology.too_many(kMaxTopology);
  validate_label_map(topology);
}

void validate_hints(const Field& hints) {
  for (const char* list : {"forZones", "forNodes"}) {
    const Field places = hints[list];
    Texts names;
    if (places.size() > kMaxHints) return places.too_many(kMaxHints);
    for (const Field& place : places.items()) {
      const Field name = place["name"];
      if (!names.emplace(name.text()).second) name.duplicate();
      name.each(list == std::string_view("forNodes") ? api::check_dns1123_subdomain(name.text())
                                                     : api::check_label_value(name.text()));
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
  for (const Field& address : addresses.items()) validate_slice_address(addresses, address, type);
  const Field node = endpoint["nodeName"];
  const Field host = endpoint["hostname"];
  if (node.is_set()) node.each(api::check_dns1123_subdomain(node.text()));
  validate_topology(endpoint);
  if (host.is_set()) host.each(api::check_dns1123_label(host.text()));
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
    const Field protocol = port["protocol"];
    if (!protocol.is_set()) {
      protocol.required();
    } else if (!protocol.is_among({"SCTP", "TCP", "UDP"})) {
      protocol.not_supported({"SCTP", "TCP", "UDP"});
    }
    const Field application = port["appProtocol"];
    if (application.is_set()) application.each(api::check_qualified_name(application.text()));
  }
}

void validate_slice(Change& change, const api::Value& object) {
  const Field slice = root(change, object);
  const Field type = slice["addressType"];
  if (type.require()) type.one_of({"FQDN", "IPv4", "IPv6"});
  const Field endpoints = slice["endpoints"];
  // What stands there already was once right.
  const bool is_known = change.old != nullptr && endpoints.same_as(change.old->find("endpoints"));
  if (!is_known && endpoints.size() > kMaxEndpoints) {
    endpoints.too_many(kMaxEndpoints);
  } else if (!is_known) {
    for (const Field& endpoint : endpoints.items()) validate_slice_endpoint(endpoint, type);
  }
  validate_slice_ports(slice["ports"]);
}

void keep_slice(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["addressType"].immutable(old.find("addressType"));
}

// Nodes are named by nodeName, and only v1beta1 has other places beside. What a client of v1 wrote
// back is taken as it was meant.
void drop_topology(Change& change, api::Value& object, const api::Value* old) {
  constexpr std::string_view kHostname = "kubernetes.io/hostname";
  api::Value* endpoints = object.find("endpoints");
  const bool has_topology =
      change.call.resource != nullptr && change.call.resource->version != "v1";
  if (has_topology || endpoints == nullptr || !endpoints->is_array()) return;
  std::set<std::string_view> known;
  if (old != nullptr) {
    const Field before = root(change, *old)["endpoints"];
    if (before.same_as(endpoints)) return;
    for (const Field& endpoint : before.items()) {
      known.insert(endpoint["deprecatedTopology"].at_key(kHostname).text());
    }
  }
  for (api::Value& endpoint : endpoints->items()) {
    const api::Value* topology = endpoint.find("deprecatedTopology");
    if (topology == nullptr) continue;
    const std::string_view host = topology->string_at(kHostname);
    const bool is_node = !host.empty() && known.contains(host) &&
                         api::check_dns1123_subdomain(host).empty() &&
                         endpoint.find("nodeName") == nullptr;
    if (is_node) endpoint.set_ref(change.arena, "nodeName", change.text(host));
    endpoint.erase("deprecatedTopology");
  }
}
Result<void> prepare_slice(Change& change, api::Value& object) {
  drop_topology(change, object, nullptr);
  return {};
}
Result<void> prepare_slice_update(Change& change, api::Value& object, const api::Value& old) {
  drop_topology(change, object, &old);
  return {};
}

// Controllers write addresses as they should be.
bool is_of_controller(const Field& slice) {
  return slice["metadata"]["labels"]
      .at_key("endpointslice.kubernetes.io/managed-by")
      .is_among({"endpointslice-controller.k8s.io", "endpointslicemirroring-controller.k8s.io"});
}

void warn_about_slice(Change& change, const api::Value& object, const api::Value* old) {
  const Field slice = root(change, object);
  if (old == nullptr && slice["addressType"].is("FQDN")) {
    change.warn("spec.addressType: FQDN endpoints are deprecated");
  }
  if (is_of_controller(slice)) return;
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
    .counts_labels = true,
    .prepare_create = prepare_slice,
    .prepare_update = prepare_slice_update,
    .validate = validate_slice,
    .validate_update = keep_slice,
    .warn = warn_about_slice,
};

}  // namespace pinnace::apiserver
