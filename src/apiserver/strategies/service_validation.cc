#include "apiserver/strategies/service_validation.h"

#include <algorithm>
#include <array>
#include <set>

#include "api/addresses.h"
#include "api/json.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxAffinitySeconds = 86400;
constexpr std::string_view kHints = "service.kubernetes.io/topology-aware-hints";
constexpr std::string_view kMode = "service.kubernetes.io/topology-mode";
constexpr std::string_view kRanges = "service.beta.kubernetes.io/load-balancer-source-ranges";

bool is_headless(const Field& spec) {
  return spec["clusterIPs"].size() == 1 && spec["clusterIPs"].at(0).is("None");
}
bool is_balanced(const Field& spec) { return spec["type"].is("LoadBalancer"); }
bool is_external(const Field& spec) {
  return spec["type"].is_among({"NodePort", "LoadBalancer"}) ||
         (spec["type"].is("ClusterIP") && !spec["externalIPs"].empty());
}
bool needs_health_check(const Field& spec) {
  return is_balanced(spec) && spec["externalTrafficPolicy"].is("Local");
}

// A place and protocol, as ports are told apart.
using PortKey = std::pair<std::string, std::int64_t>;

void validate_type(const Field& spec) {
  const Field type = spec["type"];
  if (is_headless(spec) && type.is_among({"LoadBalancer", "NodePort"})) {
    spec["clusterIPs"].at(0).invalid("may not be set to 'None' for " + std::string(type.text()) +
                                     " services");
  }
  if (!type.is("ExternalName")) return;
  for (const char* key : {"clusterIPs", "ipFamilies"}) {
    if (!spec[key].empty()) spec[key].forbidden("may not be set for ExternalName services");
  }
  if (spec["ipFamilyPolicy"].is_set()) {
    spec["ipFamilyPolicy"].forbidden("may not be set for ExternalName services");
  }
  const Field name = spec["externalName"];
  std::string_view host = name.text();
  if (host.ends_with('.')) host.remove_suffix(1);
  if (host.empty()) return name.required();
  for (const auto& text : api::check_dns1123_subdomain(host))
    name.invalid_value(quoted(host), text);
}

void validate_ports(const Field& spec) {
  const Field ports = spec["ports"];
  std::set<std::string, std::less<>> names;
  for (const Field& port : ports.items()) {
    const Field name = port["name"];
    if (!name.empty()) {
      name.each(api::check_dns1123_label(name.text()));
      if (!names.emplace(name.text()).second) name.duplicate();
    } else if (ports.size() > 1) {
      name.required();
    }
    const Field number = port["port"];
    number.each(api::check_port_number(number.number()));
    if (port["protocol"].require()) port["protocol"].one_of({"SCTP", "TCP", "UDP"});
    const Field target = port["targetPort"];
    if (target.is_set()) validate_port_or_name(target);
    const Field application = port["appProtocol"];
    if (application.is_set()) application.each(api::check_qualified_name(application.text()));
  }
}

void validate_port_pairs(const Field& spec) {
  const auto ports = spec["ports"].items();
  std::set<PortKey> numbers, node_ports;
  for (const Field& port : ports) {
    const Field node_port = port["nodePort"];
    if (spec["type"].is("ClusterIP") && !node_port.empty()) {
      node_port.forbidden("may not be used when `type` is 'ClusterIP'");
    }
  }
  for (const Field& port : ports) {
    const Field node_port = port["nodePort"];
    if (node_port.empty()) continue;
    if (!node_ports.emplace(port["protocol"].text(), node_port.number()).second) {
      node_port.duplicate();
    }
  }
  for (const Field& port : ports) {
    const std::string_view protocol = port["protocol"].text();
    if (numbers.emplace(protocol, port["port"].number()).second) continue;
    port.duplicate_value("{\"Name\":\"\",\"Protocol\":" + quoted(protocol) +
                         ",\"AppProtocol\":null,\"Port\":" + std::to_string(port["port"].number()) +
                         ",\"TargetPort\":0,\"NodePort\":0}");
  }
}

void validate_affinity_config(const Field& spec) {
  const Field affinity = spec["sessionAffinity"];
  const Field config = spec["sessionAffinityConfig"];
  if (affinity.require()) affinity.one_of({"ClientIP", "None"});
  if (affinity.is("None") && config.is_set()) {
    config.forbidden("must not be set when session affinity is None");
  }
  if (!affinity.is("ClientIP")) return;
  constexpr const char* kWhen = "when session affinity type is ClientIP";
  const Field client = config["clientIP"];
  const Field seconds = client["timeoutSeconds"];
  if (!config.is_set()) return config.required(kWhen);
  if (!client.is_set()) return client.required(kWhen);
  if (!seconds.is_set()) return seconds.required(kWhen);
  if (seconds.number() <= 0 || seconds.number() > kMaxAffinitySeconds) {
    seconds.invalid("must be greater than 0 and less than 86400");
  }
}

// What addresses and families say of each other, in any cluster.
void validate_addresses(const Field& spec) {
  const Field ips = spec["clusterIPs"];
  const Field single = spec["clusterIP"];
  const Field policy = spec["ipFamilyPolicy"];
  const auto families = spec["ipFamilies"].items();
  if (!single.empty() && ips.empty()) {
    ips.required();
  } else if (!single.empty() && !ips.at(0).is(single.text())) {
    ips.invalid("first value must match `clusterIP`");
  } else if (single.empty() && !ips.empty()) {
    ips.invalid("must be empty when `clusterIP` is not specified");
  }
  std::set<std::string, std::less<>> seen;
  for (const Field& family : families) {
    if (!family.is_among({"IPv4", "IPv6"})) family.not_supported({"IPv4", "IPv6"});
    if (!seen.emplace(family.text()).second) family.duplicate();
  }
  if (policy.is_set() && !policy.is_among({"PreferDualStack", "RequireDualStack", "SingleStack"})) {
    policy.not_supported({"PreferDualStack", "RequireDualStack", "SingleStack"});
  }
  bool all_valid = true;
  std::vector<int> found;
  const auto addresses = ips.items();
  for (std::size_t i = 0; i < addresses.size(); ++i) {
    const Field& ip = addresses[i];
    if (i == 0 && ip.is("None")) {
      all_valid = addresses.size() == 1;
      if (!all_valid) ips.invalid("'None' must be the first and only value");
      continue;
    }
    const auto complaints = api::check_ip(ip.text());
    ip.each(complaints);
    all_valid = all_valid && complaints.empty();
    if (const auto parsed = api::parse_address(ip.text())) found.push_back(parsed->family);
  }
  if (ips.size() > 2) ips.invalid("may only hold up to 2 values");
  if (!all_valid) return;
  const bool is_dual = std::set<int>(found.begin(), found.end()).size() > 1;
  if (found.size() > 1 && !is_dual) {
    ips.invalid("may specify no more than one IP for each IP family");
  }
  for (std::size_t i = 0; i < std::min(found.size(), families.size()); ++i) {
    const bool is_wanted = families[i].is(found[i] == 4 ? "IPv4" : "IPv6");
    if (is_wanted || !families[i].is_among({"IPv4", "IPv6"})) continue;
    addresses[i].invalid("expected an " + std::string(families[i].text()) +
                         " value as indicated by `ipFamilies[" + std::to_string(i) + "]`");
  }
}

// What is released is released by name.
void validate_release(const Field& spec, const api::Value& before) {
  const Field policy = spec["ipFamilyPolicy"];
  if (policy.is("SingleStack")) return;
  for (const auto& [list, what] :
       {std::pair("clusterIPs", "cluster IP"), std::pair("ipFamilies", "IP family")}) {
    const auto* was = before.find(list);
    if (spec[list].empty() || was == nullptr || spec[list].size() >= was->size()) continue;
    policy.invalid(std::string("must be 'SingleStack' to release the secondary ") + what);
  }
}

// What of that this cluster can do.
void validate_families(const Field& spec, const ServiceAddresses& addresses,
                       const api::Value* before) {
  const Field policy = spec["ipFamilyPolicy"];
  const Field ips = spec["clusterIPs"];
  const Field families = spec["ipFamilies"];
  const std::size_t complaints = spec.causes().size();
  if (before != nullptr) validate_release(spec, *before);
  if (policy.is("SingleStack")) {
    constexpr const char* kMore = "must be 'RequireDualStack' or 'PreferDualStack' when multiple ";
    if (ips.size() == 2) policy.invalid(std::string(kMore) + "cluster IPs are specified");
    if (families.size() == 2) policy.invalid(std::string(kMore) + "IP families are specified");
  }
  for (std::size_t i = families.size(); i < ips.size(); ++i) {
    const auto address = api::parse_address(ips.at(i).text());
    if (!address || addresses.has_family(address->family)) continue;
    ips.as(ips.at(i)).invalid((address->family == 4 ? "IPv4" : "IPv6") +
                              std::string(" is not configured on this cluster"));
  }
  const bool is_free = is_headless(spec) && spec["selector"].empty();
  if (spec.causes().size() != complaints || is_free) return;
  if (policy.is("RequireDualStack") && addresses.own_ranges().size() < 2) {
    policy.invalid("this cluster is not configured for dual-stack services");
  }
  for (const Field& family : families.items()) {
    if (!addresses.has_family(family.is("IPv4") ? 4 : 6)) {
      family.invalid("not configured on this cluster");
    }
  }
}

void validate_source_ranges(const Field& service) {
  const Field spec = service["spec"];
  const Field ranges = spec["loadBalancerSourceRanges"].as("spec.LoadBalancerSourceRanges");
  const Field annotation = service["metadata"]["annotations"].at_key(kRanges);
  constexpr const char* kOnly = "may only be used when `type` is 'LoadBalancer'";
  const auto check = [](const Field& place, std::string_view text) {
    for (const auto& wrong : api::check_cidr(trim(text))) {
      place.invalid_value(quoted(trim(text)), wrong);
    }
  };
  if (!ranges.empty()) {
    if (!is_balanced(spec)) ranges.forbidden(kOnly);
    for (const Field& range : ranges.items()) check(range, range.text());
  } else if (annotation.is_set()) {
    if (!is_balanced(spec)) annotation.forbidden(kOnly);
    if (trim(annotation.text()).empty()) return;
    for (const std::string_view range : split(annotation.text(), ',')) check(annotation, range);
  }
}

void validate_balancer_class(const Field& spec) {
  const Field name = spec["loadBalancerClass"];
  if (!name.is_set()) return;
  if (is_balanced(spec)) {
    name.each(api::check_qualified_name(name.text()));
  } else {
    name.forbidden("may only be used when `type` is 'LoadBalancer'");
  }
}

// Which endpoints traffic goes to, from outside and from inside.
void validate_traffic(const Field& spec) {
  const Field external = spec["externalTrafficPolicy"];
  if (!is_external(spec)) {
    if (!external.empty()) external.invalid("may only be set for externally-accessible services");
  } else if (external.require()) {
    external.one_of({"Cluster", "Local"});
  }
  const Field check = spec["healthCheckNodePort"];
  if (!needs_health_check(spec)) {
    if (!check.empty()) {
      check.invalid(
          "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'");
    }
  } else if (!check.empty()) {
    check.each(api::check_port_number(check.number()));
  }
  spec["internalTrafficPolicy"].one_of_if_set({"Cluster", "Local"});
  const Field distribution = spec["trafficDistribution"];
  if (distribution.is_set() &&
      !distribution.is_among({"PreferClose", "PreferSameZone", "PreferSameNode"})) {
    distribution.not_supported({"PreferClose", "PreferSameZone", "PreferSameNode"});
  }
}

// The first of `list` stays; the second goes only with the policy that allows one.
void keep_list(const Field& spec, const Field& was, const char* list, const char* what) {
  const Field is = spec[list];
  const Field before = was[list];
  const Field policy = spec["ipFamilyPolicy"];
  const Field first = is.as(is.at(0));
  if (is.size() == before.size()) {
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (is.at(i).is(before.at(i).text())) continue;
      (list == std::string_view("ipFamilies") ? first : is.as(is.at(i)))
          .invalid("may not change once set");
    }
    return;
  }
  if (before.size() > is.size() && spec["clusterIPs"].empty()) {
    first.invalid(std::string("primary ") + what + " can not be unset");
  }
  if (!before.empty() && !is.empty() && !is.at(0).is(before.at(0).text())) {
    first.invalid("may not change once set");
  }
  if (before.size() > is.size() && is.size() == 1 && !policy.is("SingleStack")) {
    policy.invalid(std::string("must be set to 'SingleStack' when releasing the secondary ") +
                   what);
  }
}

void validate_service_update(Change& change, const Field& spec, const api::Value& old) {
  const auto* before = old.find("spec");
  if (before == nullptr) return;
  std::vector<Cause> none;
  const Field was(none, change.arena, before);
  const bool both_have = !spec["type"].is("ExternalName") && !was["type"].is("ExternalName");
  if (both_have && !(is_headless(spec) && is_headless(was))) {
    keep_list(spec, was, "clusterIPs", "clusterIP");
  }
  if (both_have && !is_headless(spec) && !is_headless(was)) {
    keep_list(spec, was, "ipFamilies", "ipFamily");
  }
  if (is_balanced(spec) && is_balanced(was) &&
      !spec["loadBalancerClass"].same_as(before->find("loadBalancerClass"))) {
    spec["loadBalancerClass"].invalid("may not change once set");
  }
  validate_balancer_class(spec);
  const Field check = spec["healthCheckNodePort"];
  if (needs_health_check(spec) && needs_health_check(was) &&
      check.number() != was["healthCheckNodePort"].number()) {
    check.forbidden("field is immutable");
  }
}

}  // namespace

bool keeps_preferred_families(const api::Value& spec, const api::Value* before) {
  if (before == nullptr || spec.string_at("ipFamilyPolicy") != "PreferDualStack") return false;
  return std::ranges::all_of(
      std::array{"type", "ipFamilyPolicy", "clusterIPs", "ipFamilies"}, [&](const char* key) {
        const auto* is = spec.find(key);
        const auto* was = before->find(key);
        return is == nullptr || was == nullptr ? is == was : api::equal(*is, *was);
      });
}

void validate_service(Change& change, const api::Value& object) {
  const Field service = root(change, object);
  const Field spec = service["spec"];
  const Field annotations = service["metadata"]["annotations"];
  // Where the addresses make no sense, nothing else is looked at.
  if (!spec["type"].is("ExternalName")) {
    validate_addresses(spec);
    const auto* before = change.old == nullptr ? nullptr : change.old->find("spec");
    if (change.causes.empty() && !keeps_preferred_families(*spec.value(), before)) {
      validate_families(spec, *change.backend.service_addresses, before);
    }
    if (!change.causes.empty()) return;
  }
  if (change.old != nullptr) validate_service_update(change, spec, *change.old);
  const Field mode = annotations.at_key(kMode);
  const Field hints = annotations.at_key(kHints);
  if (mode.is_set() && hints.is_set() && mode.text() != hints.text()) {
    mode.invalid("must match annotations[" + std::string(kHints) + "] when both are specified");
  }
  if (spec["ports"].empty() && !is_headless(spec) && !spec["type"].is("ExternalName")) {
    spec["ports"].required();
  }
  validate_type(spec);
  validate_ports(spec);
  validate_label_map(spec["selector"]);
  validate_affinity_config(spec);
  for (const Field& ip : spec["externalIPs"].items()) {
    const auto complaints = api::check_ip(ip.text());
    ip.each(complaints);
    if (complaints.empty()) validate_non_special_ip(ip);
  }
  const Field type = spec["type"];
  if (type.require()) type.one_of({"ClusterIP", "ExternalName", "LoadBalancer", "NodePort"});
  validate_port_pairs(spec);
  validate_source_ranges(service);
  const Field allocates = spec["allocateLoadBalancerNodePorts"];
  if (allocates.is_set() && !is_balanced(spec)) {
    allocates.forbidden("may only be used when `type` is 'LoadBalancer'");
  }
  validate_balancer_class(spec);
  validate_traffic(spec);
}

void validate_balancer_addresses(const Field& ingress) {
  for (const Field& address : ingress.items()) {
    const Field ip = address["ip"];
    const Field mode = address["ipMode"];
    const Field host = address["hostname"];
    if (!ip.empty()) ip.each(api::check_ip(ip.text()));
    if (mode.is_set() && ip.empty()) {
      mode.forbidden("may not be specified when `ip` is not set");
    } else {
      mode.one_of({"Proxy", "VIP"});
    }
    if (host.empty()) continue;
    host.each(api::check_dns1123_subdomain(host.text()));
    if (api::parse_address(host.text())) {
      host.invalid("must be a DNS name, not an IP address");
    }
  }
}

void validate_service_status(Change& change, const api::Value& object, const api::Value&) {
  const Field service = root(change, object);
  const Field ingress = service["status"]["loadBalancer"]["ingress"];
  if (!is_balanced(service["spec"]) && !ingress.empty()) {
    return ingress.forbidden("may only be used when `spec.type` is 'LoadBalancer'");
  }
  validate_balancer_addresses(ingress);
}

void warn_about_service(Change& change, const api::Value& object, const api::Value*) {
  const Field service = root(change, object);
  const Field spec = service["spec"];
  const auto addresses = [&](const Field& list) {
    for (const Field& ip : list.items()) {
      for (auto& text : api::address_warnings(ip.path(), ip.text())) change.warn(std::move(text));
    }
  };
  if (service["metadata"]["annotations"].at_key(kHints).is_set()) {
    change.warn("annotation " + std::string(kHints) + " is deprecated, please use " +
                std::string(kMode) + " instead");
  }
  if (!is_headless(spec)) addresses(spec["clusterIPs"]);
  const bool is_plain_headless = is_headless(spec) && spec["type"].is("ClusterIP");
  if (is_plain_headless) {
    if (!spec["loadBalancerIP"].empty()) {
      change.warn("spec.loadBalancerIP is ignored for headless services");
    }
    if (!spec["externalIPs"].empty()) {
      change.warn("spec.externalIPs is ignored for headless services");
    }
    if (!spec["sessionAffinity"].is("None")) {
      change.warn("spec.SessionAffinity is ignored for headless services");
    }
  }
  addresses(spec["externalIPs"]);
  const Field balancer = spec["loadBalancerIP"];
  if (!balancer.empty()) {
    for (auto& text : api::address_warnings(balancer.path(), balancer.text())) {
      change.warn(std::move(text));
    }
  }
  for (const Field& range : spec["loadBalancerSourceRanges"].items()) {
    for (auto& text : api::range_warnings(range.path(), range.text())) change.warn(std::move(text));
  }
  if (spec["type"].is("ExternalName") && !spec["externalIPs"].empty()) {
    change.warn("spec.externalIPs is ignored when spec.type is \"ExternalName\"");
  }
  if (!spec["type"].is("ExternalName") && !spec["externalName"].empty()) {
    change.warn("spec.externalName is ignored when spec.type is not \"ExternalName\"");
  }
  if (spec["trafficDistribution"].is("PreferClose")) {
    change.warn("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"");
  }
}

void warn_about_load_balancer(Change& change, const api::Value& object, const api::Value*) {
  for (const Field& entry : root(change, object)["status"]["loadBalancer"]["ingress"].items()) {
    for (auto& text : api::address_warnings(entry.path(), entry["ip"].text())) {
      change.warn(std::move(text));
    }
  }
}

}  // namespace pinnace::apiserver
