// Services: what is filled in, what is wrong, and what may not change. Addresses and ports are
// claimed in service_allocation.cc.
#include <set>
#include <tuple>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/service_allocation.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

constexpr std::int64_t kMaxAffinitySeconds = 86400;

bool is_headless(const Field& spec) { return spec["clusterIP"].text() == "None"; }

bool is_external(std::string_view type) { return type == "NodePort" || type == "LoadBalancer"; }

// The first of clusterIPs and clusterIP are one thing said twice.
void settle_cluster_ips(Change& change, api::Value& spec) {
  const auto* list = spec.find("clusterIPs");
  const bool has_list = list != nullptr && list->is_array() && !list->empty();
  const std::string_view single = spec.string_at("clusterIP");
  if (!single.empty() && !has_list) {
    api::Value ips = api::Value::array();
    ips.append(change.arena, change.text(single));
    spec.set_ref(change.arena, "clusterIPs", ips);
  } else if (single.empty() && has_list && list->items()[0].is_string()) {
    spec.set_ref(change.arena, "clusterIP", list->items()[0]);
  }
}

void settle_families(Change& change, api::Value& spec) {
  if (spec.string_at("type") == "ExternalName") {
    for (const char* key : {"ipFamilies", "ipFamilyPolicy", "clusterIP", "clusterIPs"}) {
      spec.erase(key);
    }
    return;
  }
  const auto* families = spec.find("ipFamilies");
  if (families == nullptr || families->empty()) {
    api::Value list = api::Value::array();
    list.append(change.arena, api::Value::string_ref("IPv4"));
    spec.set_ref(change.arena, "ipFamilies", list);
  }
  if (spec.string_at("ipFamilyPolicy").empty()) {
    spec.set_ref(change.arena, "ipFamilyPolicy", api::Value::string_ref("SingleStack"));
  }
}

Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  settle_cluster_ips(change, spec);
  settle_families(change, spec);
  return {};
}

// What the old type had and the new one cannot have goes, unless the client asks for a new value.
void drop_what_types_had(api::Value& spec, const api::Value& before) {
  const auto drop = [&](const char* key, bool had_use, bool has_use) {
    const auto* was = before.find(key);
    const auto* is = spec.find(key);
    if (!had_use || has_use || was == nullptr || is == nullptr) return;
    if (api::equal(*was, *is)) spec.erase(key);
  };
  const std::string_view type = spec.string_at("type"), old_type = before.string_at("type");
  const bool balances = type == "LoadBalancer", balanced = old_type == "LoadBalancer";
  drop("externalTrafficPolicy", is_external(old_type), is_external(type));
  for (const char* key : {"allocateLoadBalancerNodePorts", "loadBalancerClass",
                          "loadBalancerSourceRanges", "healthCheckNodePort"}) {
    drop(key, balanced, balances);
  }
}

// What the server gave earlier and the client does not speak of stays; what the new type has no use
// for goes.
Result<void> prepare_update(Change& change, api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  api::Value& spec = object.ensure_object(change.arena, "spec");
  if (before == nullptr) return {};
  const std::string_view type = spec.string_at("type");
  const std::string_view old_type = before->string_at("type");
  const bool needs_ip = type != "ExternalName" && old_type != "ExternalName";
  const bool says_ip = !spec.string_at("clusterIP").empty() || spec.find("clusterIPs") != nullptr;
  if (needs_ip && !says_ip) {
    for (const char* key : {"clusterIP", "clusterIPs"}) {
      if (const auto* value = before->find(key)) spec.set_ref(change.arena, key, *value);
    }
  }
  drop_what_types_had(spec, *before);
  settle_cluster_ips(change, spec);
  settle_families(change, spec);
  keep_node_ports(change, spec, *before);
  return {};
}

// A place and protocol, as ports are told apart.
using PortKey = std::pair<std::string, std::int64_t>;

std::string port_json(std::string_view protocol, const char* key, std::int64_t port) {
  return "{\"protocol\":" + quoted(protocol) + ",\"" + key + "\":" + std::to_string(port) + "}";
}

void validate_target(const Field& target) {
  if (!target.is_set()) return;
  if (target.value()->is_int()) {
    if (target.number() != 0) target.each(api::check_port_number(target.number()));
  } else if (!target.empty()) {
    target.each(api::check_port_name(target.text()));
  }
}

void validate_ports(const Field& spec) {
  const Field ports = spec["ports"];
  const std::string_view type = spec["type"].text();
  if (ports.empty() && !is_headless(spec) && type != "ExternalName") return ports.required();
  std::set<std::string, std::less<>> names;
  std::set<PortKey> numbers, node_ports;
  for (const Field& port : ports.items()) {
    const Field name = port["name"];
    const std::string protocol(port["protocol"].text());
    if (name.empty()) {
      if (ports.size() > 1) name.required();
    } else {
      name.each(api::check_dns1123_label(name.text()));
      if (!names.emplace(name.text()).second) name.duplicate();
    }
    const Field number = port["port"];
    number.each(api::check_port_number(number.number()));
    validate_target(port["targetPort"]);
    const Field application = port["appProtocol"];
    if (!application.empty()) application.each(api::check_qualified_name(application.text()));
    if (!numbers.emplace(protocol, number.number()).second) {
      port.duplicate_value(port_json(protocol, "port", number.number()));
    }
    const Field node_port = port["nodePort"];
    if (node_port.empty()) continue;
    if (!is_external(type)) {
      node_port.forbidden("may not be used when `type` is '" + std::string(type) + "'");
    }
    if (!node_ports.emplace(protocol, node_port.number()).second) {
      node_port.duplicate_value(port_json(protocol, "nodePort", node_port.number()));
    }
  }
}

void validate_external_ips(const Field& spec) {
  for (const Field& ip : spec["externalIPs"].items()) {
    const auto complaints = api::check_ip(ip.text());
    ip.each(complaints);
    if (!complaints.empty()) continue;
    const std::string_view text = ip.text();
    if (text == "0.0.0.0" || text == "::")
      ip.invalid("may not be unspecified (" + std::string(text) + ")");
    if (text.starts_with("127.") || text == "::1") {
      ip.invalid("may not be in the loopback range (127.0.0.0/8, ::1/128)");
    }
    if (text.starts_with("169.254.")) {
      ip.invalid("may not be in the link-local range (169.254.0.0/16, fe80::/10)");
    }
    if (text.starts_with("224.0.0.")) {
      ip.invalid("may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }
  }
}

void validate_affinity_config(const Field& spec) {
  const Field config = spec["sessionAffinityConfig"];
  if (spec["sessionAffinity"].text() == "None") {
    if (config.is_set()) config.forbidden("must not be set when session affinity is None");
    return;
  }
  const Field seconds = config["clientIP"]["timeoutSeconds"];
  if (!seconds.is_set()) return;
  if (seconds.number() <= 0 || seconds.number() > kMaxAffinitySeconds) {
    seconds.invalid("must be greater than 0 and less than 86400");
  }
}

// What only some types may have.
void validate_by_type(const Field& spec) {
  const std::string_view type = spec["type"].text();
  if (is_headless(spec) && is_external(type)) {
    spec["clusterIPs"].at(0).invalid("may not be set to 'None' for " + std::string(type) +
                                     " services");
  }
  if (type == "ExternalName") {
    const Field name = spec["externalName"];
    std::string_view host = name.text();
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty())
      name.required();
    else
      name.each(api::check_dns1123_subdomain(host));
  }
  if (type != "LoadBalancer") {
    for (const char* key : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
      if (spec[key].is_set()) {
        spec[key].forbidden("may only be used when `type` is 'LoadBalancer'");
      }
    }
    if (!spec["loadBalancerSourceRanges"].empty()) {
      spec["loadBalancerSourceRanges"].forbidden("may only be used when `type` is 'LoadBalancer'");
    }
  }
  for (const Field& range : spec["loadBalancerSourceRanges"].items()) {
    range.each(api::check_cidr(range.text()));
  }
  const Field policy = spec["externalTrafficPolicy"];
  if (!policy.empty() && !is_external(type) && spec["externalIPs"].empty()) {
    policy.invalid("may only be set for externally-accessible services");
  }
}

// This cluster has one family of addresses.
void validate_families(const Field& spec) {
  const Field families = spec["ipFamilies"];
  for (const Field& family : families.items()) {
    if (family.text() == "IPv6") family.invalid("not configured on this cluster");
  }
  if (spec["ipFamilyPolicy"].text() == "RequireDualStack") {
    spec["ipFamilyPolicy"].invalid("this cluster is not configured for dual-stack services");
  }
  const Field ips = spec["clusterIPs"];
  if (ips.size() > 1) ips.invalid("may only hold one value, this cluster has one IP family");
  for (const Field& ip : ips.items()) {
    if (ip.text() != "None" && !ip.empty()) ip.each(api::check_ip(ip.text()));
  }
  const Field single = spec["clusterIP"];
  if (ips.size() > 0 && single.text() != ips.at(0).text()) {
    ips.invalid("first value must match `clusterIP`");
  }
}

void validate(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_ports(spec);
  validate_label_map(spec["selector"]);
  spec["sessionAffinity"].require();
  spec["type"].require();
  validate_external_ips(spec);
  validate_affinity_config(spec);
  validate_families(spec);
  validate_by_type(spec);
}

void validate_update(Change& change, const api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  const Field spec = root(change, object)["spec"];
  if (before == nullptr) return;
  const bool both_have =
      spec["type"].text() != "ExternalName" && before->string_at("type") != "ExternalName";
  const std::string_view old_ip = before->string_at("clusterIP");
  if (both_have && !old_ip.empty() && spec["clusterIP"].text() != old_ip) {
    const Field ips = spec["clusterIPs"];
    ips.as(ips.path() + "[0]").invalid("may not change once set");
  }
}

}  // namespace

const Strategy kServiceStrategy{
    .storage_resource = "services",
    .check_name = api::check_dns1035_label,
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate,
    .validate_update = validate_update,
    .claim = claim_service,
    .after_delete = release_service,
};

}  // namespace pinnace::apiserver
