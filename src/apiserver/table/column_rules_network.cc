// Cells of Services, endpoints, Ingresses and their kin.
#include <algorithm>
#include <set>

#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

std::string joined(std::span<const Value> texts) {
  std::string out;
  for (const Value& text : texts) (out += out.empty() ? "" : ",") += scalar_text(text);
  return out;
}

std::string load_balancer_addresses(const Value& object, WallTime) {
  std::set<std::string_view> addresses;
  for (const Value& ingress : list_at(object, {"status", "loadBalancer", "ingress"})) {
    const std::string_view ip = ingress.string_at("ip");
    const std::string_view address = ip.empty() ? ingress.string_at("hostname") : ip;
    if (!address.empty()) addresses.insert(address);
  }
  std::string text;
  for (const auto address : addresses) (text += text.empty() ? "" : ",") += address;
  return text;
}

std::string service_external_ip(const Value& service, WallTime now) {
  const std::string_view type = text_at(service, {"spec", "type"});
  const std::string external = joined(list_at(service, {"spec", "externalIPs"}));
  if (type == "ClusterIP" || type == "NodePort") return external.empty() ? "<none>" : external;
  if (type == "ExternalName") return std::string(text_at(service, {"spec", "externalName"}));
  if (type != "LoadBalancer") return "<unknown>";
  std::string text = load_balancer_addresses(service, now);
  if (!external.empty()) (text += text.empty() ? "" : ",") += external;
  return text.empty() ? "<pending>" : text;
}

std::string service_ports(const Value& service, WallTime) {
  std::string text;
  for (const Value& port : list_at(service, {"spec", "ports"})) {
    if (!text.empty()) text += ',';
    text += std::to_string(port.int_at("port"));
    if (port.int_at("nodePort") > 0) text += ":" + std::to_string(port.int_at("nodePort"));
    (text += '/') += port.string_at("protocol");
  }
  return text.empty() ? "<none>" : text;
}

std::string host_port(std::string_view ip, std::int64_t port) {
  const bool is_v6 = ip.find(':') != std::string_view::npos;
  return (is_v6 ? "[" + std::string(ip) + "]" : std::string(ip)) + ":" + std::to_string(port);
}

std::string endpoints(const Value& object, WallTime) {
  const auto subsets = list_at(object, {"subsets"});
  if (subsets.empty()) return "<none>";
  ShortList list;
  for (const Value& subset : subsets) {
    const auto addresses = list_at(subset, {"addresses"});
    const auto ports = list_at(subset, {"ports"});
    if (ports.empty()) {
      for (const Value& address : addresses) list.add(std::string(address.string_at("ip")));
    }
    for (const Value& port : ports) {
      for (const Value& address : addresses) {
        list.add(host_port(address.string_at("ip"), port.int_at("port")));
      }
    }
  }
  return list.text();
}

std::string slice_ports(const Value& slice, WallTime) {
  ShortList list;
  for (const Value& port : list_at(slice, {"ports"})) {
    const Value* number = port.find("port");
    const Value* name = port.find("name");
    if (number != nullptr && number->is_int())
      list.add(std::to_string(number->as_int()));
    else
      list.add(name == nullptr ? "*" : scalar_text(*name));
  }
  return list.empty() ? "<unset>" : list.text();
}

std::string slice_addresses(const Value& slice, WallTime) {
  ShortList list;
  for (const Value& endpoint : list_at(slice, {"endpoints"})) {
    for (const Value& address : list_at(endpoint, {"addresses"})) list.add(scalar_text(address));
  }
  return list.empty() ? "<unset>" : list.text();
}

std::string ingress_hosts(const Value& ingress, WallTime) {
  const auto rules = list_at(ingress, {"spec", "rules"});
  constexpr std::size_t kShown = 3;
  std::string text;
  std::size_t shown = 0;
  for (const Value& rule : rules) {
    if (shown == kShown) {
      // As Kubernetes counts: rules without a host are among the "more".
      return text + " + " + std::to_string(rules.size() - kShown) + " more...";
    }
    const std::string_view host = rule.string_at("host");
    if (host.empty()) continue;
    (text += shown == 0 ? "" : ",") += host;
    ++shown;
  }
  return text.empty() ? "*" : text;
}

std::string ingress_ports(const Value& ingress, WallTime) {
  return list_at(ingress, {"spec", "tls"}).empty() ? "80" : "80, 443";
}

std::string class_parameters(const Value& ingress_class, WallTime) {
  const Value* parameters = ingress_class.find_path({"spec", "parameters"});
  if (parameters == nullptr || !parameters->is_object()) return "<none>";
  std::string text(parameters->string_at("kind"));
  const std::string_view group = parameters->string_at("apiGroup");
  if (!group.empty()) (text += '.') += group;
  return (text += '/') += parameters->string_at("name");
}

std::string parent_ref(const Value& address, WallTime) {
  const Value* parent = address.find_path({"spec", "parentRef"});
  if (parent == nullptr || !parent->is_object()) return "<none>";
  std::string text(parent->string_at("resource"));
  const std::string_view group = parent->string_at("group");
  const std::string_view ns = parent->string_at("namespace");
  if (!group.empty()) (text += '.') += group;
  text = to_lower(text);
  if (!ns.empty()) (text += '/') += ns;
  return (text += '/') += parent->string_at("name");
}

constexpr ColumnRule kRules[] = {
    {"service-external-ip", service_external_ip},
    {"service-ports", service_ports},
    {"endpoints", endpoints},
    {"slice-ports", slice_ports},
    {"slice-addresses", slice_addresses},
    {"ingress-hosts", ingress_hosts},
    {"load-balancer-addresses", load_balancer_addresses},
    {"ingress-ports", ingress_ports},
    {"class-parameters", class_parameters},
    {"parent-ref", parent_ref},
};

}  // namespace

std::span<const ColumnRule> network_column_rules() { return kRules; }

}  // namespace pinnace::apiserver
