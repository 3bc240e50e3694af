// Cells of Nodes, quotas, Events, measurements and the parts of the cluster itself.
#include <algorithm>
#include <set>
#include <vector>

#include "api/quantity.h"
#include "apiserver/table/column_rules.h"
#include "apiserver/table/column_text.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

std::string node_status(const Value& node, WallTime) {
  const Value* ready = find_condition(list_at(node, {"status", "conditions"}), "Ready");
  std::string text = ready == nullptr                       ? "Unknown"
                     : ready->string_at("status") == "True" ? "Ready"
                                                            : "NotReady";
  const Value* spec = node.find("spec");
  if (spec != nullptr && spec->bool_at("unschedulable")) text += ",SchedulingDisabled";
  return text;
}

std::string node_roles(const Value& node, WallTime) {
  constexpr std::string_view kPrefix = "node-role.kubernetes.io/";
  std::set<std::string> roles;
  const Value* labels = node.find_path({"metadata", "labels"});
  if (labels != nullptr && labels->is_object()) {
    for (const auto& [key, value] : labels->members()) {
      if (key.starts_with(kPrefix))
        roles.emplace(key.substr(kPrefix.size()));
      else if (key == "kubernetes.io/role")
        roles.insert(scalar_text(value));
    }
  }
  roles.erase("");
  std::string text;
  for (const auto& role : roles) (text += text.empty() ? "" : ",") += role;
  return text.empty() ? "<none>" : text;
}

std::string quota_text(const Value& quota, bool limits) {
  const Value* hard = quota.find_path({"status", "hard"});
  if (hard == nullptr || !hard->is_object()) return {};
  const Value* used = quota.find_path({"status", "used"});
  std::vector<std::string> parts;
  for (const auto& [name, value] : hard->members()) {
    if (name.starts_with("limits.") != limits) continue;
    const Value* now = used == nullptr ? nullptr : used->find(name);
    parts.push_back(std::string(name) + ": " + (now == nullptr ? "0" : scalar_text(*now)) + "/" +
                    scalar_text(value));
  }
  std::ranges::sort(parts);
  return join(parts, ", ");
}

std::string quota_requests(const Value& quota, WallTime) { return quota_text(quota, false); }
std::string quota_limits(const Value& quota, WallTime) { return quota_text(quota, true); }

std::string event_object(const Value& event, WallTime) {
  std::string text = to_lower(text_at(event, {"involvedObject", "kind"}));
  const std::string_view name = text_at(event, {"involvedObject", "name"});
  if (!name.empty()) (text += '/') += name;
  return text;
}

std::string event_source(const Value& event, WallTime) {
  std::string_view component = text_at(event, {"source", "component"});
  std::string_view host = text_at(event, {"source", "host"});
  if (component.empty()) component = event.string_at("reportingComponent");
  if (host.empty()) host = event.string_at("reportingInstance");
  std::string text(component);
  if (!host.empty()) (text += ", ") += host;
  return text;
}

std::string component_status(const Value& component, WallTime) {
  const Value* healthy = find_condition(list_at(component, {"conditions"}), "Healthy");
  if (healthy == nullptr) return "Unknown";
  return healthy->string_at("status") == "True" ? "Healthy" : "Unhealthy";
}

std::string component_member(const Value& component, std::string_view member) {
  const Value* healthy = find_condition(list_at(component, {"conditions"}), "Healthy");
  return healthy == nullptr ? std::string() : std::string(healthy->string_at(member));
}
std::string component_message(const Value& component, WallTime) {
  return component_member(component, "message");
}
std::string component_error(const Value& component, WallTime) {
  return component_member(component, "error");
}

std::string api_service_available(const Value& service, WallTime) {
  const Value* available = find_condition(list_at(service, {"status", "conditions"}), "Available");
  if (available == nullptr) return "Unknown";
  const std::string status(available->string_at("status"));
  const std::string_view reason = available->string_at("reason");
  if (status == "True" || reason.empty()) return status;
  return status + " (" + std::string(reason) + ")";
}

std::string storage_versions(const Value& object, WallTime) {
  ShortList list;
  for (const Value& version : list_at(object, {"status", "storageVersions"})) {
    list.add(std::string(version.string_at("apiServerID")) + "=" +
             std::string(version.string_at("encodingVersion")));
  }
  return list.empty() ? "<unset>" : list.text();
}

std::string usage_sum(const Value& metrics, std::string_view resource) {
  api::Quantity sum;
  for (const Value& container : list_at(metrics, {"containers"})) {
    const auto usage = api::Quantity::parse(text_at(container, {"usage", resource}));
    if (usage) sum += *usage;
  }
  return sum.format();
}
std::string metrics_cpu(const Value& metrics, WallTime) { return usage_sum(metrics, "cpu"); }
std::string metrics_memory(const Value& metrics, WallTime) { return usage_sum(metrics, "memory"); }

constexpr ColumnRule kRules[] = {
    {"node-status", node_status},           {"node-roles", node_roles},
    {"quota-requests", quota_requests},     {"quota-limits", quota_limits},
    {"event-object", event_object},         {"event-source", event_source},
    {"component-status", component_status}, {"component-message", component_message},
    {"component-error", component_error},   {"api-service-available", api_service_available},
    {"storage-versions", storage_versions}, {"metrics-cpu", metrics_cpu},
    {"metrics-memory", metrics_memory},
};

}  // namespace

std::span<const ColumnRule> cluster_column_rules() { return kRules; }

}  // namespace pinnace::apiserver
