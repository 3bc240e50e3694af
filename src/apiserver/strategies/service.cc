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

// Who changes clusterIP and leaves the list as it was speaks of the one address alone.
void drop_outdated_ips(api::Value& spec, const api::Value& before) {
  const std::string_view single = spec.string_at("clusterIP");
  const auto* list = spec.find("clusterIPs");
  const auto* was = before.find("clusterIPs");
  if (single.empty() || single == before.string_at("clusterIP")) return;
  if (list != nullptr && was != nullptr && api::equal(*list, *was)) spec.erase("clusterIPs");
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
  drop_outdated_ips(spec, *before);
  settle_cluster_ips(change, spec);
  settle_families(change, spec);
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
    .validate_update = validate_service_update,
    .validate_status = validate_service_status,
    .warn = warn_about_service,
    .claim = claim_service,
};

}  // namespace pinnace::apiserver
