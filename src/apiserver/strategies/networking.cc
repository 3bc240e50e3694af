// Ingresses, NetworkPolicies, Endpoints and EndpointSlices.
#include <set>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxSliceEndpoints = 1000;
constexpr std::size_t kMaxSlicePorts = 100;
constexpr std::size_t kMaxAddresses = 100;

// -- Ingress

void validate_ingress_backend(const Field& backend) {
  const Field resource = backend["resource"];
  const Field service = backend["service"];
  if (resource.is_set() && service.is_set()) {
    backend.invalid_value("\"\"", "cannot set both resource and service backends");
  } else if (resource.is_set()) {
    resource["kind"].require();
    resource["name"].require();
  } else if (service.is_set()) {
    const Field name = service["name"];
    if (name.require()) name.each(api::check_dns1035_label(name.text()));
    const Field port = service["port"];
    const Field number = port["number"];
    const bool has_name = !port["name"].empty();
    if (has_name && !number.empty()) {
      port.invalid_value("\"\"", "cannot set both port name & port number");
    } else if (has_name) {
      port["name"].each(api::check_port_name(port["name"].text()));
    } else if (!number.empty()) {
      number.each(api::check_port_number(number.number()));
    } else {
      service.required("port name or number is required");
    }
  } else {
    backend.required("resource or service backend is required");
  }
}

void validate_ingress_path(const Field& one) {
  const Field type = one["pathType"];
  const Field path = one["path"];
  if (type.empty()) {
    type.required("pathType must be specified");
  } else if (type.text() == "Exact" || type.text() == "Prefix") {
    if (!path.text().starts_with('/')) path.invalid("must be an absolute path");
    for (const char* bad : {"//", "/./", "/../", "%2f", "%2F"}) {
      if (path.text().find(bad) != std::string_view::npos) {
        path.invalid("must not contain '" + std::string(bad) + "'");
      }
    }
    for (const char* bad : {"/..", "/."}) {
      if (path.text().ends_with(bad)) path.invalid("cannot end with '" + std::string(bad) + "'");
    }
  } else if (type.text() == "ImplementationSpecific" && !path.empty() &&
             !path.text().starts_with('/')) {
    path.invalid("must be an absolute path");
  }
  validate_ingress_backend(one["backend"]);
}

void validate_ingress_host(const Field& host) {
  const std::string_view text = host.text();
  if (api::check_ip(text).empty()) host.invalid("must be a DNS name, not an IP address");
  if (text.find('*') != std::string_view::npos) {
    host.each(api::check_wildcard_dns1123_subdomain(text));
  } else {
    host.each(api::check_dns1123_subdomain(text));
  }
}

void validate_ingress(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  if (spec["rules"].empty() && !spec["defaultBackend"].is_set()) {
    spec.invalid("either `defaultBackend` or `rules` must be specified");
  }
  if (spec["defaultBackend"].is_set()) validate_ingress_backend(spec["defaultBackend"]);
  for (const Field& rule : spec["rules"].items()) {
    if (!rule["host"].empty()) validate_ingress_host(rule["host"]);
    const Field http = rule["http"];
    if (!http.is_set()) continue;
    if (http["paths"].empty()) http["paths"].required();
    for (const Field& path : http["paths"].items()) validate_ingress_path(path);
  }
  for (const Field& tls : spec["tls"].items()) {
    for (const Field& host : tls["hosts"].items()) {
      if (host.text().find('*') != std::string_view::npos) {
        host.each(api::check_wildcard_dns1123_subdomain(host.text()));
      } else {
        host.each(api::check_dns1123_subdomain(host.text()));
      }
    }
  }
  const Field ingress_class = spec["ingressClassName"];
  if (ingress_class.is_set()) {
    ingress_class.each(api::check_dns1123_subdomain(ingress_class.text()));
  }
}

// -- NetworkPolicy

void validate_policy_port(const Field& port) {
  const Field number = port["port"];
  const Field end = port["endPort"];
  if (number.is_set()) {
    number.each(number.value()->is_int() ? api::check_port_number(number.number())
                                         : api::check_port_name(number.text()));
  }
  if (!end.is_set()) return;
  if (!number.is_set()) return end.required("must specify a port when specifying endPort");
  if (!number.value()->is_int()) {
    return end.invalid("may not be specified when `port` is non-numeric");
  }
  end.each(api::check_port_number(end.number()));
  if (end.number() < number.number()) end.invalid("must be greater than or equal to `port`");
}

void validate_policy_peer(const Field& peer) {
  std::size_t count = 0;
  for (const char* selector : {"podSelector", "namespaceSelector"}) {
    if (!peer[selector].is_set()) continue;
    ++count;
    validate_label_selector(peer[selector]);
  }
  const Field block = peer["ipBlock"];
  if (!block.is_set()) {
    if (count == 0) peer.required("must specify a peer");
    return;
  }
  if (count > 0) peer.forbidden("may not specify both ipBlock and another peer");
  const Field cidr = block["cidr"];
  if (cidr.require()) cidr.each(api::check_cidr(cidr.text()));
  for (const Field& except : block["except"].items()) except.each(api::check_cidr(except.text()));
}

void validate_network_policy(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_label_selector(spec["podSelector"]);
  for (const auto& [list, peers] : {std::pair("ingress", "from"), std::pair("egress", "to")}) {
    for (const Field& rule : spec[list].items()) {
      for (const Field& port : rule["ports"].items()) validate_policy_port(port);
      for (const Field& peer : rule[peers].items()) validate_policy_peer(peer);
    }
  }
  const Field types = spec["policyTypes"];
  if (types.size() > 2) types.invalid("may not specify more than two policyTypes");
}

// -- Endpoints and EndpointSlices

// Addresses of other machines and of this one only; none that means something else.
void validate_endpoint_ip(const Field& ip) {
  const auto complaints = api::check_ip(ip.text());
  ip.each(complaints);
  const std::string_view text = ip.text();
  if (text == "0.0.0.0" || text == "::") {
    ip.invalid("may not be unspecified (" + std::string(text) + ")");
  } else if (text.starts_with("127.") || text == "::1") {
    ip.invalid("may not be in the loopback range (127.0.0.0/8, ::1/128)");
  } else if (text.starts_with("169.254.")) {
    ip.invalid("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
  } else if (text.starts_with("224.0.0.")) {
    ip.invalid("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
  }
}

void validate_endpoint_ports(const Field& ports, bool is_slice) {
  std::set<std::string, std::less<>> names;
  for (const Field& port : ports.items()) {
    const Field name = port["name"];
    if (!is_slice && name.empty() && ports.size() > 1) name.required();
    if (!name.empty()) name.each(api::check_dns1123_label(name.text()));
    if (is_slice && !names.emplace(name.text()).second) name.duplicate();
    const Field number = port["port"];
    if (!is_slice || number.is_set()) number.each(api::check_port_number(number.number()));
    if (port["protocol"].empty()) port["protocol"].required();
  }
}

void validate_endpoints(Change& change, const api::Value& object) {
  for (const Field& subset : root(change, object)["subsets"].items()) {
    if (subset["addresses"].empty() && subset["notReadyAddresses"].empty()) {
      subset.required("must specify `addresses` or `notReadyAddresses`");
    }
    for (const char* list : {"addresses", "notReadyAddresses"}) {
      for (const Field& address : subset[list].items()) validate_endpoint_ip(address["ip"]);
    }
    validate_endpoint_ports(subset["ports"], false);
  }
}

void validate_slice(Change& change, const api::Value& object) {
  const Field slice = root(change, object);
  const Field type = slice["addressType"];
  const std::vector<std::string> valid = {"FQDN", "IPv4", "IPv6"};
  if (type.empty())
    type.required();
  else if (type.text() != "IPv4" && type.text() != "IPv6" && type.text() != "FQDN") {
    type.not_supported(valid);
  }
  const Field endpoints = slice["endpoints"];
  if (endpoints.size() > kMaxSliceEndpoints) endpoints.too_many(kMaxSliceEndpoints);
  if (slice["ports"].size() > kMaxSlicePorts) slice["ports"].too_many(kMaxSlicePorts);
  for (const Field& endpoint : endpoints.items()) {
    const Field addresses = endpoint["addresses"];
    if (addresses.empty()) addresses.required("must contain at least 1 address");
    if (addresses.size() > kMaxAddresses) addresses.too_many(kMaxAddresses);
    for (const Field& address : addresses.items()) {
      if (type.text() == "FQDN")
        address.each(api::check_dns1123_subdomain(address.text()));
      else
        validate_endpoint_ip(address);
    }
  }
  validate_endpoint_ports(slice["ports"], true);
}

void keep_slice(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["addressType"].immutable(old.find("addressType"));
}

void keep_ingress_class(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["spec"]["controller"].immutable(old.find_path({"spec", "controller"}));
}

}  // namespace

const Strategy kIngressStrategy{
    .storage_resource = "networking.k8s.io/ingresses",
    .has_generation = true,
    .validate = validate_ingress,
};
const Strategy kIngressClassStrategy{
    .storage_resource = "networking.k8s.io/ingressclasses",
    .has_generation = true,
    .validate_update = keep_ingress_class,
};
const Strategy kNetworkPolicyStrategy{
    .storage_resource = "networking.k8s.io/networkpolicies",
    .has_generation = true,
    .validate = validate_network_policy,
};
const Strategy kEndpointsStrategy{
    .storage_resource = "endpoints",
    .create_on_update = true,
    .validate = validate_endpoints,
};
const Strategy kEndpointSliceStrategy{
    .storage_resource = "discovery.k8s.io/endpointslices",
    .has_generation = true,
    .validate = validate_slice,
    .validate_update = keep_slice,
};

}  // namespace pinnace::apiserver
