// Ingresses and their classes, NetworkPolicies, addresses and ranges of Services.
#include <set>

#include "api/addresses.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/service_validation.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kClassAnnotation = "kubernetes.io/ingress.class";

// A reference to an object of the same namespace, by kind.
void validate_object_reference(const Field& reference) {
  const Field group = reference["apiGroup"];
  if (group.is_set()) group.each(api::check_dns1123_subdomain(group.text()));
  for (const char* key : {"kind", "name"}) {
    const Field part = reference[key];
    if (part.require()) part.each(api::check_path_segment_name(part.text()));
  }
}

// -- Ingress

// What is wrong with the port as a whole is said of the backend.
void validate_service_backend(const Field& backend) {
  const Field service = backend["service"];
  const Field name = service["name"];
  const Field port = service["port"];
  const Field number = port["number"];
  if (name.require()) name.each(api::check_dns1035_label(name.text()));
  const bool has_name = !port["name"].empty();
  if (has_name && !number.empty()) {
    backend.invalid_value("\"\"", "cannot set both port name & port number");
  } else if (has_name) {
    port["name"].each(api::check_port_name(port["name"].text()));
  } else if (!number.empty()) {
    number.each(api::check_port_number(number.number()));
  } else {
    backend.required("port name or number is required");
  }
}

void validate_ingress_backend(const Field& backend) {
  const Field resource = backend["resource"];
  const Field service = backend["service"];
  if (resource.is_set() && service.is_set()) {
    backend.invalid_value("\"\"", "cannot set both resource and service backends");
  } else if (resource.is_set()) {
    validate_object_reference(resource);
  } else if (service.is_set()) {
    validate_service_backend(backend);
  } else {
    backend.invalid_value("\"\"", "resource or service backend is required");
  }
}

void validate_ingress_path(const Field& one) {
  const Field type = one["pathType"];
  const Field path = one["path"];
  const std::string_view text = path.text();
  if (!type.is_set()) return type.required("pathType must be specified");
  if (type.is_among({"Exact", "Prefix"})) {
    if (!text.starts_with('/')) path.invalid("must be an absolute path");
    for (const char* bad : {"//", "/./", "/../", "%2f", "%2F"}) {
      if (text.find(bad) != std::string_view::npos) {
        path.invalid("must not contain '" + std::string(bad) + "'");
      }
    }
    for (const char* bad : {"/..", "/."}) {
      if (text.ends_with(bad)) path.invalid("cannot end with '" + std::string(bad) + "'");
    }
  } else if (type.is("ImplementationSpecific")) {
    if (!text.empty() && !text.starts_with('/')) path.invalid("must be an absolute path");
  } else {
    type.not_supported({"Exact", "ImplementationSpecific", "Prefix"});
  }
  validate_ingress_backend(one["backend"]);
}

void validate_host(const Field& host) {
  const bool is_wildcard = host.text().find('*') != std::string_view::npos;
  host.each(is_wildcard ? api::check_wildcard_dns1123_subdomain(host.text())
                        : api::check_dns1123_subdomain(host.text()));
}

void validate_ingress(Change& change, const api::Value& object) {
  const Field ingress = root(change, object);
  const Field spec = ingress["spec"];
  const Field annotation = ingress["metadata"]["annotations"].at_key(kClassAnnotation);
  const Field ingress_class = spec["ingressClassName"];
  if (spec["rules"].empty() && !spec["defaultBackend"].is_set()) {
    spec.invalid_value(spec["rules"].shown(),
                       "either `defaultBackend` or `rules` must be specified");
  }
  if (spec["defaultBackend"].is_set()) validate_ingress_backend(spec["defaultBackend"]);
  for (const Field& rule : spec["rules"].items()) {
    const Field host = rule["host"];
    if (!host.empty()) {
      if (api::parse_address(host.text())) host.invalid("must be a DNS name, not an IP address");
      validate_host(host);
    }
    const Field http = rule["http"];
    if (!http.is_set()) continue;
    if (http["paths"].empty()) http["paths"].required();
    for (const Field& path : http["paths"].items()) validate_ingress_path(path);
  }
  for (const Field& tls : spec["tls"].items()) {
    for (const Field& host : tls["hosts"].items()) validate_host(host);
    const Field secret = tls["secretName"];
    if (!secret.empty()) secret.each(api::check_dns1123_subdomain(secret.text()));
  }
  if (ingress_class.is_set()) {
    ingress_class.each(api::check_dns1123_subdomain(ingress_class.text()));
  }
  if (change.old == nullptr && annotation.is_set() && ingress_class.is_set() &&
      annotation.text() != ingress_class.text()) {
    annotation.as("annotations." + std::string(kClassAnnotation))
        .invalid("must match `ingressClassName` when both are specified");
  }
}

void validate_ingress_status(Change& change, const api::Value& object, const api::Value&) {
  validate_balancer_addresses(root(change, object)["status"]["loadBalancer"]["ingress"]);
}

void warn_about_ingress(Change& change, const api::Value& object, const api::Value* old) {
  const Field ingress = root(change, object);
  const bool is_annotated = ingress["metadata"]["annotations"].at_key(kClassAnnotation).is_set();
  if (old != nullptr || !is_annotated || ingress["spec"]["ingressClassName"].is_set()) return;
  change.warn("annotation \"" + std::string(kClassAnnotation) +
              "\" is deprecated, please use 'spec.ingressClassName' instead");
}

// -- IngressClass

void validate_class_parameters(const Field& parameters) {
  if (!parameters.is_set()) return;
  validate_object_reference(parameters);
  const Field scope = parameters["scope"];
  const Field ns = parameters["namespace"];
  if (!scope.is_set()) return scope.required();
  if (!scope.is_among({"Cluster", "Namespace"})) scope.not_supported({"Cluster", "Namespace"});
  if (scope.is("Namespace")) {
    if (!ns.is_set())
      ns.required("`parameters.scope` is set to 'Namespace'");
    else
      ns.each(api::check_dns1123_label(ns.text()));
  } else if (scope.is("Cluster") && ns.is_set()) {
    ns.forbidden("`parameters.scope` is set to 'Cluster'");
  }
}

void validate_ingress_class(Change& change, const api::Value& object) {
  constexpr std::size_t kMaxBytes = 250;
  const Field spec = root(change, object)["spec"];
  const Field controller = spec["controller"];
  if (controller.text().size() > kMaxBytes) controller.too_long(kMaxBytes);
  validate_domain_path(controller);
  validate_class_parameters(spec["parameters"]);
}

void keep_ingress_class(Change& change, const api::Value& object, const api::Value& old) {
  root(change, object)["spec"]["controller"].immutable(old.find_path({"spec", "controller"}));
}

// -- NetworkPolicy

void validate_policy_port(const Field& port) {
  const Field number = port["port"];
  const Field end = port["endPort"];
  const Field protocol = port["protocol"];
  if (protocol.is_set() && !protocol.is_among({"TCP", "UDP", "SCTP"})) {
    protocol.not_supported({"TCP", "UDP", "SCTP"});
  }
  const bool is_name = number.is_set() && !number.is_int();
  if (end.is_set() && is_name) end.invalid("may not be specified when `port` is non-numeric");
  if (end.is_set() && !number.is_set()) {
    end.invalid("may not be specified when `port` is not specified");
  }
  if (number.is_set()) validate_port_or_name(number);
  if (!end.is_set() || !number.is_int()) return;
  if (end.number() < number.number()) {
    // Kubernetes' message has always shown the port.
    end.invalid_value(number.shown(), "must be greater than or equal to `port`");
  }
  end.each(api::check_port_number(end.number()));
}

// A part of the range may be left out, but not all of it.
void validate_block(const Field& block) {
  const Field cidr = block["cidr"];
  if (!cidr.require()) return;
  const auto range = api::parse_range(cidr.text());
  cidr.each(api::check_cidr(cidr.text()));
  if (!range) return;
  for (const Field& except : block["except"].items()) {
    const auto hole = api::parse_range(except.text());
    except.each(api::check_cidr(except.text()));
    if (!hole) continue;
    api::AddressRange around = *hole;
    around.prefix_bits = range->prefix_bits;
    const bool is_inside = hole->address.family == range->address.family &&
                           hole->prefix_bits > range->prefix_bits &&
                           around.base().bytes == range->base().bytes;
    if (!is_inside) except.invalid("must be a strict subset of `cidr`");
  }
}

void validate_policy_peer(const Field& peer) {
  std::size_t count = 0;
  for (const char* selector : {"podSelector", "namespaceSelector"}) {
    if (!peer[selector].is_set()) continue;
    ++count;
    validate_label_selector(peer[selector]);
  }
  const Field block = peer["ipBlock"];
  if (block.is_set()) validate_block(block);
  if (block.is_set() && count > 0) {
    peer.forbidden("may not specify both ipBlock and another peer");
  } else if (!block.is_set() && count == 0) {
    peer.required("must specify a peer");
  }
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
  if (types.size() > 2) return types.invalid("may not specify more than two policyTypes");
  for (const Field& type : types.items()) {
    if (!type.is_among({"Ingress", "Egress"})) type.not_supported({"Ingress", "Egress"});
  }
}

void warn_about_network_policy(Change& change, const api::Value& object, const api::Value*) {
  const Field spec = root(change, object)["spec"];
  const auto range = [&](const Field& cidr) {
    for (auto& text : api::range_warnings(cidr.path(), cidr.text())) change.warn(std::move(text));
  };
  for (const auto& [list, peers] : {std::pair("ingress", "from"), std::pair("egress", "to")}) {
    for (const Field& rule : spec[list].items()) {
      for (const Field& peer : rule[peers].items()) {
        range(peer["ipBlock"]["cidr"]);
        for (const Field& except : peer["ipBlock"]["except"].items()) range(except);
      }
    }
  }
}

// -- IPAddress

api::Complaints check_address_name(std::string_view name) {
  const auto address = api::parse_address(name);
  if (!address) return {"must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"};
  if (!address->is_plain || address->text() != name) {
    return {"must be in canonical form (" + quoted(address->text()) + ")"};
  }
  return {};
}

void validate_ip_address(Change& change, const api::Value& object) {
  const Field parent = root(change, object)["spec"]["parentRef"];
  if (!parent.is_set()) return parent.required();
  const Field group = parent["group"];
  if (!group.empty()) group.each(api::check_dns1123_subdomain(group.text()));
  for (const char* key : {"resource", "name"}) {
    const Field part = parent[key];
    if (part.require()) part.each(api::check_path_segment_name(part.text()));
  }
  const Field ns = parent["namespace"];
  if (!ns.empty()) ns.each(api::check_path_segment_name(ns.text()));
}

void keep_ip_address(Change& change, const api::Value& object, const api::Value& old) {
  const Field spec = root(change, object)["spec"];
  spec["parentRef"].immutable(old.find_path({"spec", "parentRef"}));
}

// -- ServiceCIDR

void validate_range_list(const Field& spec) {
  const Field ranges = spec["cidrs"];
  if (ranges.empty()) return ranges.required("at least one CIDR required");
  if (ranges.size() > 2) {
    return ranges.invalid_value(spec.shown(), "may only hold up to 2 values");
  }
  std::multiset<int> families;
  for (const Field& one : ranges.items()) {
    const auto range = api::parse_range(one.text());
    one.each(api::check_cidr(one.text()));
    if (!range) continue;
    families.insert(range->address.family);
    const std::string bits = "/" + std::to_string(range->prefix_bits);
    const std::string plain = range->base().text() + bits;
    const bool is_old_form = range->address.family == 4 && !range->address.is_plain;
    const bool is_mapped = is_old_form && one.text().find(':') != std::string_view::npos;
    if (is_mapped) {
      one.invalid("must not have an IPv4-mapped IPv6 address");
    } else if (is_old_form || !one.text().ends_with(bits)) {
      one.invalid("must not have leading 0s in IP or prefix length");
    } else if (range->base().text() != range->address.text()) {
      one.invalid("must not have bits set beyond the prefix length");
    } else if (plain != one.text()) {
      one.invalid("must be in canonical form (" + quoted(plain) + ")");
    }
  }
  if (families.size() == 2 && *families.begin() == *families.rbegin()) {
    ranges.invalid(
        "may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and "
        "2001:db8::/64");
  }
}

void validate_service_ranges(Change& change, const api::Value& object) {
  if (change.old == nullptr) validate_range_list(root(change, object)["spec"]);
}

// A range of the other family may join the first one; nothing else changes.
void keep_service_ranges(Change& change, const api::Value& object, const api::Value& old) {
  const Field ranges = root(change, object)["spec"]["cidrs"];
  std::vector<Cause> none;
  const Field before(none, change.arena, old.find_path({"spec", "cidrs"}));
  const bool gains_family = before.size() == 1 && ranges.size() == 2;
  if (ranges.size() != before.size() && !gains_family) return ranges.invalid("field is immutable");
  for (std::size_t i = 0; i < before.size(); ++i) {
    if (!ranges.at(i).is(before.at(i).text())) ranges.at(i).invalid("field is immutable");
  }
  if (gains_family) validate_range_list(root(change, object)["spec"]);
}

}  // namespace

const Strategy kIngressStrategy{
    .storage_resource = "networking.k8s.io/ingresses",
    .has_generation = true,
    .validate = validate_ingress,
    .validate_status = validate_ingress_status,
    .warn = warn_about_ingress,
    .warn_status = warn_about_load_balancer,
};
const Strategy kIngressClassStrategy{
    .storage_resource = "networking.k8s.io/ingressclasses",
    .has_generation = true,
    .validate = validate_ingress_class,
    .validate_update = keep_ingress_class,
};
const Strategy kNetworkPolicyStrategy{
    .storage_resource = "networking.k8s.io/networkpolicies",
    .has_generation = true,
    .validate = validate_network_policy,
    .warn = warn_about_network_policy,
};
const Strategy kIpAddressStrategy{
    .storage_resource = "networking.k8s.io/ipaddresses",
    .check_name = check_address_name,
    .validate = validate_ip_address,
    .validate_update = keep_ip_address,
};
const Strategy kServiceCidrStrategy{
    .storage_resource = "networking.k8s.io/servicecidrs",
    .validate = validate_service_ranges,
    .validate_update = keep_service_ranges,
};

}  // namespace pinnace::apiserver
