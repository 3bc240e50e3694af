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

// Who changes clusterIP and leaves the list as it was speaks of the one address alone.
void drop_outdated_ips(api::Value& spec, const api::Value& before) {
  const std::string_view single = spec.string_at("clusterIP");
  const auto* list = spec.find("clusterIPs");
  const auto* was = before.find("clusterIPs");
  if (single.empty() || single == before.string_at("clusterIP")) return;
  if (list != nullptr && was != nullptr && api::equal(*list, *was)) spec.erase("clusterIPs");
}

// A Service without an address and without a selector may lead to addresses of both families.
bool is_without_selector(const api::Value& spec) {
  return spec.string_at("clusterIP") == "None" && !has_items(spec.find("selector"));
}

void settle_families(Change& change, api::Value& spec, const api::Value* before) {
  if (!needs_cluster_ip(spec)) return;
  if (!is_set(spec.find("ipFamilyPolicy"))) {
    const auto* was = before == nullptr ? nullptr : before->find("ipFamilyPolicy");
    spec.set_ref(change.arena, "ipFamilyPolicy",
                 is_set(was)                 ? *was
                 : is_without_selector(spec) ? api::Value::string_ref("RequireDualStack")
                                             : api::Value::string_ref("SingleStack"));
  }
  if (!has_items(spec.find("ipFamilies"))) {
    api::Value list = api::Value::array();
    list.append(change.arena, api::Value::string_ref("IPv4"));
    spec.set_ref(change.arena, "ipFamilies", list);
  }
  api::Value& families = *spec.find("ipFamilies");
  if (!is_without_selector(spec) || spec.string_at("ipFamilyPolicy") == "SingleStack") return;
  if (families.size() != 1 || !families.items()[0].is_string()) return;
  const bool is_first = families.items()[0].as_string() == "IPv4";
  families.append(change.arena, api::Value::string_ref(is_first ? "IPv6" : "IPv4"));
}

Result<void> prepare_create(Change& change, api::Value& object) {
  api::Value& spec = object.ensure_object(change.arena, "spec");
  settle_cluster_ips(change, spec);
  settle_families(change, spec, nullptr);
  return {};
}

// What the old type had and the new one cannot have goes, unless the client asks for a new value.
void drop_what_types_had(api::Value& object, const api::Value& before) {
  api::Value& spec = *object.find("spec");
  const auto is_same = [&](const char* key) {
    const auto* was = before.find(key);
    const auto* is = spec.find(key);
    return is_set(was) && is_set(is) ? api::equal(*was, *is) : is_set(was) == is_set(is);
  };
  if (needs_cluster_ip(before) && !needs_cluster_ip(spec)) {
    if (is_same("clusterIP") && is_same("clusterIPs")) {
      spec.erase("clusterIP");
      spec.erase("clusterIPs");
    }
    for (const char* key : {"ipFamilies", "ipFamilyPolicy"}) {
      if (is_same(key)) spec.erase(key);
    }
  }
  const auto drop = [&](const char* key, bool had_use, bool has_use) {
    if (had_use && !has_use && is_same(key)) spec.erase(key);
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
  const bool needs_ip = type != "ExternalName" && old_type != "ExternalName";
  const bool says_ip = !spec.string_at("clusterIP").empty() || spec.find("clusterIPs") != nullptr;
  if (needs_ip && !says_ip) {
    for (const char* key : {"clusterIP", "clusterIPs"}) {
      if (const auto* value = before->find(key)) spec.set_ref(change.arena, key, *value);
    }
  }
  drop_outdated_ips(spec, *before);
  settle_cluster_ips(change, spec);
  drop_what_types_had(object, *before);
  settle_families(change, spec, before);
  keep_node_ports(change, spec, *before);
  return {};
}

}  // namespace

const Strategy kServiceStrategy{
    .storage_resource = "services",
    .check_name = api::check_dns1035_label,
    .returns_deleted = true,
    .prepare_create = prepare_create,
    .prepare_update = prepare_update,
    .validate = validate_service,
    .validate_status = validate_service_status,
    .warn = warn_about_service,
    .claim = claim_service,
};

}  // namespace pinnace::apiserver
