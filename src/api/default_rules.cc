#include "api/default_rules.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "api/conversion.h"
#include "api/image_reference.h"
#include "api/member_index.h"
#include "api/object_codec.h"
#include "api/pod_resources.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

const TypeInfo& type_of(const TypeInfo& owner, std::string_view field) {
  return *owner.field(field)->type;
}

// The items of the list under `key`; none when it is not there.
std::span<Value> items_at(Value& object, std::string_view key) {
  Value* list = object.find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<Value>{};
}

std::string_view text_at(const Value* value) {
  return value != nullptr && value->is_string() ? value->as_string() : std::string_view{};
}

// Entries of `from` that `to` has not.
void set_missing(Arena& arena, Value& to, const Value& from) {
  MemberIndex index(to);
  for (const Member& entry : from.members()) {
    if (index.find(entry.key) == nullptr) to.add_ref(arena, entry.key, entry.value);
  }
}

void pull_policy(Arena& arena, Value& object, const TypeInfo& type) {
  const bool is_container = type.field("image") != nullptr;
  const std::string_view name = is_container ? "imagePullPolicy" : "pullPolicy";
  if (!text_at(object.find(name)).empty()) return;
  const bool latest = image_tag(object.string_at(is_container ? "image" : "reference")) == "latest";
  set_in_order(arena, object, type, name, Value::string_ref(latest ? "Always" : "IfNotPresent"));
}

// A volume without any source is an empty directory.
void volume_source(Arena& arena, Value& object, const TypeInfo& type) {
  for (const FieldInfo& field : type.fields) {
    if (!field.is_inline) continue;
    for (const FieldInfo& source : field.type->fields) {
      if (is_set(source, object.find(source.name))) return;
    }
  }
  set_in_order(arena, object, type, "emptyDir", Value::object());
}

void service_account_names(Arena& arena, Value& object, const TypeInfo& type) {
  const std::string_view name = object.string_at("serviceAccountName");
  const std::string_view old_name = object.string_at("serviceAccount");
  if (name.empty() && old_name.empty()) return;
  const Value chosen = Value::string_ref(name.empty() ? old_name : name);
  set_in_order(arena, object, type, "serviceAccountName", chosen);
  set_in_order(arena, object, type, "serviceAccount", chosen);
}

void host_ports(Arena& arena, Value& object, const TypeInfo& type) {
  Value& spec = *object.find("spec");
  const TypeInfo& spec_type = type_of(type, "spec");
  for (const std::string_view list : {"containers", "initContainers"}) {
    const TypeInfo& port_type = type_of(type_of(spec_type, list), "ports");
    for (Value& container : items_at(spec, list)) {
      for (Value& port : items_at(container, "ports")) {
        if (port.int_at("hostPort") != 0 || port.find("containerPort") == nullptr) continue;
        set_in_order(arena, port, port_type, "hostPort", *port.find("containerPort"));
      }
    }
  }
}

// Less than no time is the least that there is.
void least_grace(Arena& arena, Value& object, const TypeInfo& type) {
  constexpr std::string_view kGrace = "terminationGracePeriodSeconds";
  Value* spec = object.find("spec");
  if (spec == nullptr || spec->int_at(kGrace) >= 0) return;
  set_in_order(arena, *spec, type_of(type, "spec"), kGrace, Value::integer(1));
}

// A limit without a request is also the request.
void requests_from_limits(Arena& arena, Value& object, const TypeInfo& type) {
  Value& spec = *object.find("spec");
  const TypeInfo& spec_type = type_of(type, "spec");
  for (const std::string_view list : {"containers", "initContainers"}) {
    const TypeInfo& resources_type = type_of(type_of(spec_type, list), "resources");
    for (Value& container : items_at(spec, list)) {
      Value* resources = container.find("resources");
      const Value* limits = resources == nullptr ? nullptr : resources->find("limits");
      if (limits == nullptr || limits->empty()) continue;
      const Value wanted = *limits;
      Value* requests = resources->find("requests");
      if (requests == nullptr || !requests->is_object()) {
        requests = &set_in_order(arena, *resources, resources_type, "requests", Value::object());
      }
      set_missing(arena, *requests, wanted);
      sort_members(*requests);
    }
  }
}

// A pod that says some of its own resources says more of them: as limits the huge pages of its
// containers, as requests what its containers ask for, or else its limits.
void pod_level_resources(Arena& arena, Value& object, const TypeInfo& type) {
  Value& spec = *object.find("spec");
  Value& resources = *spec.find("resources");
  const TypeInfo& resources_type = type_of(type_of(type, "spec"), "resources");
  const auto has = [&](std::string_view map) {
    const Value* amounts = resources.find(map);
    return amounts != nullptr && amounts->is_object() && !amounts->empty();
  };
  const auto add = [&](std::string_view map, const Value& more) {
    if (more.empty()) return;
    Value* amounts = resources.find(map);
    if (amounts == nullptr || !amounts->is_object()) {
      amounts = &set_in_order(arena, resources, resources_type, map, Value::object());
    }
    set_missing(arena, *amounts, more);
    sort_members(*amounts);
  };
  if (!has("limits") && !has("requests")) return;
  Value pages = Value::object();
  const Value none = Value::object();
  MemberIndex requested(has("requests") ? *resources.find("requests") : none);
  for (const auto& [name, amount] : aggregate_of_containers(spec, "limits")) {
    if (!is_huge_page(name) || requested.find(name) != nullptr) continue;
    pages.add_ref(arena, name, Value::string(arena, amount.format()));
  }
  add("limits", pages);
  if (!has("limits")) return;
  Value asked = Value::object();
  for (const auto& [name, amount] : aggregate_of_containers(spec, "requests")) {
    if (!is_pod_level_resource(name) || is_huge_page(name)) continue;
    asked.add_ref(arena, name, Value::string(arena, amount.format()));
  }
  add("requests", asked);
  Value bounds = Value::object();
  for (const Member& limit : resources.find("limits")->members()) {
    if (is_pod_level_resource(limit.key)) bounds.add_ref(arena, limit.key, limit.value);
  }
  add("requests", bounds);
}

void pod_ips(Arena& arena, Value& object, const TypeInfo& type) {
  const std::string_view single = object.string_at("podIP");
  std::span<Value> list = items_at(object, "podIPs");
  // Of two that differ the one that all versions have counts.
  if (!single.empty() && !list.empty() && list[0].string_at("ip") != single) list = {};
  if (single.empty() && !list.empty()) {
    set_in_order(arena, object, type, "podIP", Value::string_ref(list[0].string_at("ip")));
  } else if (!single.empty() && list.empty()) {
    Value entry = Value::object();
    entry.set_ref(arena, "ip", Value::string_ref(single));
    Value entries = Value::array();
    entries.append(arena, entry);
    set_in_order(arena, object, type, "podIPs", entries);
  }
}

void pod_cidrs(Arena& arena, Value& object, const TypeInfo& type) {
  const std::string_view single = object.string_at("podCIDR");
  std::span<Value> list = items_at(object, "podCIDRs");
  const bool differs = !list.empty() && list[0].is_string() && list[0].as_string() != single;
  if (!single.empty() && differs) list = {};
  if (single.empty() && !list.empty()) {
    set_in_order(arena, object, type, "podCIDR", list[0]);
  } else if (!single.empty() && list.empty()) {
    Value entries = Value::array();
    entries.append(arena, Value::string_ref(single));
    set_in_order(arena, object, type, "podCIDRs", entries);
  }
}

// Every namespace carries its name as a label, so that selectors can name it.
void namespace_label(Arena& arena, Value& object, const TypeInfo& type) {
  Value* metadata = object.find("metadata");
  const std::string_view name = metadata == nullptr ? "" : metadata->string_at("name");
  if (name.empty()) return;
  Value* labels = metadata->find("labels");
  if (labels == nullptr || !labels->is_object()) {
    labels = &set_in_order(arena, *metadata, type_of(type, "metadata"), "labels", Value::object());
  }
  labels->set(arena, "kubernetes.io/metadata.name", Value::string_ref(name));
  sort_members(*labels);
}

Value& map_member(Arena& arena, Value& object, const TypeInfo& type, std::string_view name) {
  Value* map = object.find(name);
  if (map != nullptr && map->is_object()) return *map;
  return set_in_order(arena, object, type, name, Value::object());
}

// Fills `to` with the amounts of `from` that it has not.
void fill_amounts(Arena& arena, Value& object, const TypeInfo& type, std::string_view to,
                  std::string_view from) {
  const Value* source = object.find(from);
  if (source == nullptr || source->empty()) return;
  const Value amounts = *source;
  Value& target = map_member(arena, object, type, to);
  set_missing(arena, target, amounts);
  sort_members(target);
}

void limit_range(Arena& arena, Value& object, const TypeInfo& type) {
  fill_amounts(arena, object, type, "default", "max");
  fill_amounts(arena, object, type, "defaultRequest", "default");
  fill_amounts(arena, object, type, "defaultRequest", "min");
}

// stringData is for writing only: its texts become data.
void secret_string_data(Arena& arena, Value& object, const TypeInfo& type) {
  const Value* texts = object.find("stringData");
  if (texts == nullptr || !texts->is_object()) return;
  const Value copy = *texts;
  Value& data = map_member(arena, object, type, "data");
  MemberIndex index(data);
  for (const Member& text : copy.members()) {
    const Value bytes = Value::string(arena, base64_encode(text.value.as_string()));
    const std::size_t place = index.place(text.key);
    if (place == data.size())
      data.add_ref(arena, text.key, bytes);
    else
      data.members()[place].value = bytes;
  }
  sort_members(data);
  object.erase("stringData");
}

void load_balancer_ip_mode(Arena& arena, Value& object, const TypeInfo& type) {
  Value* balancer = object.find_path({"status", "loadBalancer"});
  if (balancer == nullptr) return;
  const TypeInfo& balancer_type = type_of(type_of(type, "status"), "loadBalancer");
  for (Value& ingress : items_at(*balancer, "ingress")) {
    if (ingress.string_at("ip").empty() || ingress.find("ipMode") != nullptr) continue;
    set_in_order(arena, ingress, type_of(balancer_type, "ingress"), "ipMode",
                 Value::string_ref("VIP"));
  }
}

void claim_template_kinds(Arena& arena, Value& object, const TypeInfo& type) {
  Value* spec = object.find("spec");
  if (spec == nullptr) return;
  const TypeInfo& claim = type_of(type_of(type, "spec"), "volumeClaimTemplates");
  for (Value& entry : items_at(*spec, "volumeClaimTemplates")) {
    set_in_order(arena, entry, claim, "kind", Value::string_ref(claim.name));
    set_in_order(arena, entry, claim, "apiVersion", Value::string_ref("v1"));
  }
}

struct ScalingPolicy {
  std::string_view type;
  std::int64_t value;
};

void fill_scaling_rules(Arena& arena, Value& behavior, const TypeInfo& type, std::string_view name,
                        std::span<const ScalingPolicy> policies, bool with_window) {
  Value& rules = map_member(arena, behavior, type, name);
  const TypeInfo& rules_type = type_of(type, name);
  if (with_window && rules.find("stabilizationWindowSeconds") == nullptr) {
    set_in_order(arena, rules, rules_type, "stabilizationWindowSeconds", Value::integer(0));
  }
  if (rules.find("selectPolicy") == nullptr) {
    set_in_order(arena, rules, rules_type, "selectPolicy", Value::string_ref("Max"));
  }
  if (rules.find("policies") != nullptr) return;
  Value list = Value::array();
  for (const ScalingPolicy& policy : policies) {
    Value entry = Value::object();
    entry.add_ref(arena, "type", Value::string_ref(policy.type));
    entry.add_ref(arena, "value", Value::integer(policy.value));
    entry.add_ref(arena, "periodSeconds", Value::integer(15));
    list.append(arena, entry);
  }
  set_in_order(arena, rules, rules_type, "policies", list);
}

void scaling_behavior(Arena& arena, Value& object, const TypeInfo& type) {
  static constexpr std::array kUp{ScalingPolicy{"Pods", 4}, ScalingPolicy{"Percent", 100}};
  static constexpr std::array kDown{ScalingPolicy{"Percent", 100}};
  Value& behavior = *object.find_path({"spec", "behavior"});
  const TypeInfo& behavior_type = type_of(type_of(type, "spec"), "behavior");
  fill_scaling_rules(arena, behavior, behavior_type, "scaleUp", kUp, true);
  fill_scaling_rules(arena, behavior, behavior_type, "scaleDown", kDown, false);
}

// Without one it says that its template was never counted.
void template_generation(Arena& arena, Value& object, const TypeInfo& type) {
  const TypeInfo& meta_type = type_of(type, "metadata");
  Value& annotations =
      map_member(arena, map_member(arena, object, type, "metadata"), meta_type, "annotations");
  if (annotations.find(kTemplateGeneration) != nullptr) return;
  annotations.set_ref(arena, kTemplateGeneration, Value::string_ref("0"));
  sort_members(annotations);
}

void crd_names(Arena& arena, Value& object, const TypeInfo& type) {
  Value* names = object.find("names");
  const std::string kind(names == nullptr ? "" : names->string_at("kind"));
  if (kind.empty()) return;
  const TypeInfo& names_type = type_of(type, "names");
  if (names->string_at("singular").empty()) {
    set_in_order(arena, *names, names_type, "singular", Value::string(arena, to_lower(kind)));
  }
  if (names->string_at("listKind").empty()) {
    set_in_order(arena, *names, names_type, "listKind", Value::string(arena, kind + "List"));
  }
}

// v1beta1 had one `version` before it had `versions`.
void crd_versions(Arena& arena, Value& object, const TypeInfo& type) {
  const std::string_view version = object.string_at("version");
  const std::span<Value> versions = items_at(object, "versions");
  if (versions.empty() && !version.empty()) {
    Value entry = Value::object();
    entry.add_ref(arena, "name", Value::string_ref(version));
    entry.add_ref(arena, "served", Value::boolean(true));
    entry.add_ref(arena, "storage", Value::boolean(true));
    Value list = Value::array();
    list.append(arena, entry);
    set_in_order(arena, object, type, "versions", list);
  } else if (!versions.empty() && version.empty()) {
    set_in_order(arena, object, type, "version", Value::string_ref(versions[0].string_at("name")));
  }
}

void crd_stored_versions(Arena& arena, Value& object, const TypeInfo& type) {
  Value* spec = object.find("spec");
  if (spec == nullptr) return;
  Value& status = map_member(arena, object, type, "status");
  if (!items_at(status, "storedVersions").empty()) return;
  Value list = Value::array();
  for (const Value& version : items_at(*spec, "versions")) {
    if (version.bool_at("storage")) {
      list.append(arena, Value::string_ref(version.string_at("name")));
    }
  }
  if (list.empty()) return;
  set_in_order(arena, status, type_of(type, "status"), "storedVersions", list);
}

constexpr std::array<std::pair<std::string_view, DefaultFunction>, 19> kFunctions{{
    {"pull-policy", pull_policy},
    {"volume-source", volume_source},
    {"service-account-names", service_account_names},
    {"host-ports", host_ports},
    {"requests-from-limits", requests_from_limits},
    {"pod-level-resources", pod_level_resources},
    {"least-grace", least_grace},
    {"pod-ips", pod_ips},
    {"pod-cidrs", pod_cidrs},
    {"namespace-label", namespace_label},
    {"limit-range", limit_range},
    {"secret-string-data", secret_string_data},
    {"load-balancer-ip-mode", load_balancer_ip_mode},
    {"claim-template-kinds", claim_template_kinds},
    {"scaling-behavior", scaling_behavior},
    {"template-generation", template_generation},
    {"crd-names", crd_names},
    {"crd-versions", crd_versions},
    {"crd-stored-versions", crd_stored_versions},
}};

}  // namespace

DefaultFunction find_default_function(std::string_view name) {
  for (const auto& [known, function] : kFunctions) {
    if (known == name) return function;
  }
  return nullptr;
}

}  // namespace pinnace::api
