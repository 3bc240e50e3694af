// Services: what is filled in. What is wrong is said in service_validation.cc; addresses and ports
// are claimed in service_allocation.cc.
#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/service_allocation.h"
#include "apiserver/strategies/service_validation.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"

namespace pinnace::apiserver {
namespace {

bool is_set(const api::Value* value) { return value != nullptr && !value->is_null(); }
bool has_items(const api::Value* value) { return value != nullptr && !value->empty(); }
bool has_words(const api::Value* value) {
  return has_items(value) ||
         (value != nullptr && value->is_string() && !value->as_string().empty());
}

bool needs_cluster_ip(const api::Value& spec) { return spec.string_at("type") != "ExternalName"; }
bool is_balanced(const api::Value& spec) { return spec.string_at("type") == "LoadBalancer"; }
bool is_external(const api::Value& spec) {
  const std::string_view type = spec.string_at("type");
  return type == "NodePort" || type == "LoadBalancer" ||
         (type == "ClusterIP" && has_items(spec.find("externalIPs")));
}
bool needs_health_check(const api::Value& spec) {
  return is_balanced(spec) && spec.string_at("externalTrafficPolicy") == "Local";
}

// Who says clusterIP alone means the first of clusterIPs.
void settle_cluster_ips(Change& change, api::Value& spec) {
  const std::string_view single = spec.string_at("clusterIP");
  if (single.empty() || has_items(spec.find("clusterIPs"))) return;
  api::Value ips = api::Value::array();
  ips.append(change.arena, change.text(single));
  spec.set_ref(change.arena, "clusterIPs", ips);
}

// Who changes clusterIP and leaves the list as it was speaks of the one address alone.
void drop_outdated_ips(api::Value& spec, const api::Value& before) {
  const std::string_view single = spec.string_at("clusterIP");
  const auto* list = spec.find("clusterIPs");
  const auto* was = before.find("clusterIPs");
  if (single == before.string_at("clusterIP")) return;
  if (list != nullptr && was != nullptr && api::equal(*list, *was)) spec.erase("clusterIPs");
}

void add_family(Change& change, api::Value& spec, int family) {
  api::Value list = api::Value::array();
  if (const auto* said = spec.find("ipFamilies"); has_items(said)) {
    for (const auto& one : said->items()) list.append(change.arena, one);
  }
  list.append(change.arena, api::Value::string_ref(family == 4 ? "IPv4" : "IPv6"));
  spec.set_ref(change.arena, "ipFamilies", list);
}

// A Service without an address and without a selector may lead to addresses of both families.
bool is_without_selector(const api::Value& spec) {
  return spec.string_at("clusterIP") == "None" && !has_items(spec.find("selector"));
}

bool is_same(const api::Value& spec, const api::Value& before, const char* key) {
  const auto* was = before.find(key);
  const auto* is = spec.find(key);
  return is_set(was) && is_set(is) ? api::equal(*was, *is) : is_set(was) == is_set(is);
}

// Who wants a second address no more, and says nothing else, gives it up.
void drop_second(Change& change, api::Value& spec, const api::Value& before) {
  for (const char* key : {"clusterIPs", "ipFamilies"}) {
    const auto* list = spec.find(key);
    if (!has_items(list) || list->size() < 2 || !is_same(spec, before, key)) continue;
    api::Value first = api::Value::array();
    first.append(change.arena, list->items()[0]);
    spec.set_ref(change.arena, key, first);
  }
}

std::size_t size_of(const api::Value& spec, const char* key) {
  const auto* list = spec.find(key);
  return list == nullptr ? 0 : list->size();
}

// The families of the addresses that a client names are named with them. False when that is not so
// and cannot be, which `validate_service` tells.
bool infer_families(Change& change, api::Value& spec, const api::Value* before) {
  const bool is_single = spec.string_at("ipFamilyPolicy") == "SingleStack";
  for (const char* key : {"clusterIPs", "ipFamilies"}) {
    const std::size_t size = size_of(spec, key);
    const bool is_reduced = before != nullptr && size != 0 && size < size_of(*before, key);
    if (is_single ? size > 1 : is_reduced) return false;
  }
  const auto* ips = spec.find("clusterIPs");
  for (std::size_t i = size_of(spec, "ipFamilies"); i < size_of(spec, "clusterIPs"); ++i) {
    const auto& ip = ips->items()[i];
    const auto address = ip.is_string() ? api::parse_address(ip.as_string()) : std::nullopt;
    if (!address) return spec.string_at("clusterIP") == "None";
    if (!change.backend.service_addresses->has_family(address->family)) return false;
    add_family(change, spec, address->family);
  }
  return true;
}

void settle_families(Change& change, api::Value& spec, const api::Value* before) {
  if (!needs_cluster_ip(spec) || keeps_preferred_families(spec, before)) return;
  const ServiceAddresses& addresses = *change.backend.service_addresses;
  if (!is_set(spec.find("ipFamilyPolicy"))) {
    const auto* was = before == nullptr ? nullptr : before->find("ipFamilyPolicy");
    spec.set_ref(change.arena, "ipFamilyPolicy",
                 is_set(was)                 ? *was
                 : is_without_selector(spec) ? api::Value::string_ref("RequireDualStack")
                                             : api::Value::string_ref("SingleStack"));
  }
  const bool is_single = spec.string_at("ipFamilyPolicy") == "SingleStack";
  if (is_single && before != nullptr) drop_second(change, spec, *before);
  if (!infer_families(change, spec, before)) return;
  if (size_of(spec, "ipFamilies") == 0) add_family(change, spec, addresses.usual_family());
  const bool can_have_both = is_without_selector(spec) || addresses.own_ranges().size() > 1;
  if (is_single || !can_have_both || size_of(spec, "ipFamilies") != 1) return;
  const auto& first = spec.find("ipFamilies")->items()[0];
  if (first.is_string()) add_family(change, spec, first.as_string() == "IPv4" ? 6 : 4);
}

// A name for something outside has no traffic inside; clients may still say what was once usual.
void drop_inside_policy(api::Value& spec) {
  const std::string_view policy = spec.string_at("internalTrafficPolicy");
  if (needs_cluster_ip(spec) || (policy != "Cluster" && policy != "Local")) return;
  spec.erase("internalTrafficPolicy");
}

Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  drop_inside_policy(spec);
  settle_cluster_ips(change, spec);
  settle_families(change, spec, nullptr);
  return {};
}

// What the old type had and the new one cannot have goes, unless the client asks for a new value.
void drop_what_types_had(api::Value& object, const api::Value& before) {
  api::Value& spec = *object.find("spec");
  const auto is_left = [&](const char* key) { return is_same(spec, before, key); };
  if (needs_cluster_ip(before) && !needs_cluster_ip(spec)) {
    if (is_left("clusterIP") && is_left("clusterIPs")) {
      spec.erase("clusterIP");
      spec.erase("clusterIPs");
    }
    for (const char* key : {"ipFamilies", "ipFamilyPolicy"}) {
      if (is_left(key)) spec.erase(key);
    }
  }
  const auto drop = [&](const char* key, bool had_use, bool has_use) {
    if (had_use && !has_use && is_left(key)) spec.erase(key);
  };
  drop("healthCheckNodePort", needs_health_check(before), needs_health_check(spec));
  for (const char* key : {"allocateLoadBalancerNodePorts", "loadBalancerClass"}) {
    drop(key, is_balanced(before), is_balanced(spec));
  }
  drop("externalTrafficPolicy", is_external(before), is_external(spec));
  if (is_balanced(spec)) return;
  auto* addresses = object.find_path({"status", "loadBalancer"});
  if (has_items(addresses)) *addresses = api::Value::object();
}

// What the server gave earlier and the client does not speak of stays; what the new type has no use
// for goes.
Result<void> prepare_update(Change& change, api::Value& object, const api::Value& old) {
  const auto* before = old.find("spec");
  api::Value& spec = object.ensure_object(change.arena, "spec");
  if (before == nullptr || change.subresource == "status") return {};
  const std::string_view type = spec.string_at("type");
  const std::string_view old_type = before->string_at("type");
  if (type != "ExternalName" && old_type != "ExternalName") {
    for (const char* key : {"clusterIP", "clusterIPs"}) {
      const auto* value = before->find(key);
      if (has_words(value) && !has_words(spec.find(key))) spec.set_ref(change.arena, key, *value);
    }
  }
  drop_inside_policy(spec);
  drop_outdated_ips(spec, *before);
  settle_cluster_ips(change, spec);
  drop_what_types_had(object, *before);
  settle_families(change, spec, before);
  keep_node_ports(change, spec, *before);
  const auto* check = before->find("healthCheckNodePort");
  if (needs_health_check(spec) && needs_health_check(*before) && is_set(check) &&
      spec.int_at("healthCheckNodePort") == 0) {
    spec.set_ref(change.arena, "healthCheckNodePort", *check);
  }
  return {};
}

}  // namespace

const Strategy kServiceStrategy{
    .storage_resource = "services",
    .check_name = api::check_dns1035_label,
    .create_on_update = true,
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate_service,
    .validate_status = validate_service_status,
    .warn = warn_about_service,
    .warn_status = warn_about_load_balancer,
    .claim = claim_service,
    .companions = addresses_of_service,
};

}  // namespace pinnace::apiserver
