#include "api/quota.h"

#include <algorithm>
#include <span>

#include "api/pod_resources.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kClassSuffix = ".storageclass.storage.k8s.io/";
constexpr std::string_view kDeviceSuffix = ".deviceclass.resource.k8s.io/devices";
constexpr std::string_view kCount = "count/";
constexpr std::int64_t kMostDevices = 32;  // That one claim can be given.

std::span<const Value> items_at(const Value* parent, std::string_view key) {
  const auto* list = parent == nullptr ? nullptr : parent->find(key);
  return list != nullptr && list->is_array() ? list->items() : std::span<const Value>();
}

bool is_finished(const Value& pod) {
  const auto* status = pod.find("status");
  const std::string_view phase = status == nullptr ? "" : status->string_at("phase");
  return phase == "Succeeded" || phase == "Failed";
}

// An annotation said it before there was a field.
std::string_view class_of_claim(const Value& claim) {
  const auto* old_way =
      claim.find_path({"metadata", "annotations", "volume.beta.kubernetes.io/storage-class"});
  if (old_way != nullptr && old_way->is_string()) return old_way->as_string();
  const auto* spec = claim.find("spec");
  return spec == nullptr ? "" : spec->string_at("storageClassName");
}

// What the claim wants, or what it was once promised if that is more.
Quantity storage_of_claim(const Value& claim) {
  const auto* wanted = claim.find_path({"spec", "resources", "requests", "storage"});
  if (wanted == nullptr) return {};
  const auto* promised = claim.find_path({"status", "allocatedResources", "storage"});
  const bool is_more = promised != nullptr && quantity_of(promised) > quantity_of(wanted);
  return quantity_of(is_more ? promised : wanted);
}

Quantity claim_usage(const Value& claim, std::string_view name) {
  if (name == "requests.storage") return storage_of_claim(claim);
  const auto at = name.find(kClassSuffix);
  if (at == std::string_view::npos || class_of_claim(claim) != name.substr(0, at)) return {};
  const std::string_view what = name.substr(at + kClassSuffix.size());
  if (what == "requests.storage") return storage_of_claim(claim);
  return what == "persistentvolumeclaims" ? Quantity::from_value(1) : Quantity();
}

// Devices of one class that a request may be given.
std::int64_t devices_of(const Value& request, std::string_view device_class) {
  if (request.string_at("deviceClassName") != device_class) return 0;
  const std::string_view mode = request.string_at("allocationMode");
  if (mode == "All") return kMostDevices;
  return mode == "ExactCount" ? request.int_at("count") : 0;
}

// Of the alternatives of a request the largest counts.
Quantity device_usage(const Value& claim, std::string_view name) {
  const std::string_view device_class = name.substr(0, name.size() - kDeviceSuffix.size());
  Quantity sum;  // It saturates: nobody gets below a quota by asking for too many.
  for (const auto& request : items_at(claim.find_path({"spec", "devices"}), "requests")) {
    const auto* exactly = request.find("exactly");
    std::int64_t most = exactly == nullptr ? 0 : devices_of(*exactly, device_class);
    for (const auto& one : items_at(&request, "firstAvailable")) {
      most = std::max(most, devices_of(one, device_class));
    }
    sum += Quantity::from_value(most);
  }
  return sum;
}

// The names under which the devices of a claim are counted.
void add_device_names(std::set<std::string>& names, const Value& claim) {
  const auto add = [&](const Value& request) {
    names.insert(std::string(request.string_at("deviceClassName")) + std::string(kDeviceSuffix));
  };
  for (const auto& request : items_at(claim.find_path({"spec", "devices"}), "requests")) {
    if (const auto* exactly = request.find("exactly")) add(*exactly);
    for (const auto& one : items_at(&request, "firstAvailable")) add(one);
  }
}

// Whether the pod's node did not end it in time, as a node that is lost.
bool is_overdue(const Value& pod, WallTime now) {
  const auto* when = pod.find_path({"metadata", "deletionTimestamp"});
  const auto* grace = pod.find_path({"metadata", "deletionGracePeriodSeconds"});
  WallTime deleted;
  return when != nullptr && grace != nullptr && when->is_string() && grace->is_int() &&
         parse_rfc3339(when->as_string(), deleted) &&
         now > deleted + std::chrono::seconds(grace->as_int());
}

Quantity service_usage(const Value& service, std::string_view name) {
  const auto* spec = service.find("spec");
  const std::string_view type = spec == nullptr ? "" : spec->string_at("type");
  const bool balances = type == "LoadBalancer";
  if (name == "services.loadbalancers") return Quantity::from_value(balances ? 1 : 0);
  if (name != "services.nodeports" || (type != "NodePort" && !balances)) return {};
  const auto ports = items_at(spec, "ports");
  if (!balances || spec->bool_at("allocateLoadBalancerNodePorts", true)) {
    return Quantity::from_value(static_cast<std::int64_t>(ports.size()));
  }
  return Quantity::from_value(
      std::ranges::count_if(ports, [](const Value& port) { return port.int_at("nodePort") != 0; }));
}

bool crosses_namespaces(const Value& pod) {
  for (const char* affinity : {"podAffinity", "podAntiAffinity"}) {
    const auto* terms = pod.find_path({"spec", "affinity", affinity});
    const auto crosses = [](const Value* term) {
      return term != nullptr &&
             (!items_at(term, "namespaces").empty() || term->find("namespaceSelector") != nullptr);
    };
    for (const auto& term : items_at(terms, "requiredDuringSchedulingIgnoredDuringExecution")) {
      if (crosses(&term)) return true;
    }
    for (const auto& one : items_at(terms, "preferredDuringSchedulingIgnoredDuringExecution")) {
      if (crosses(one.find("podAffinityTerm"))) return true;
    }
  }
  return false;
}

// One term of a quota's scopes: its name and, for a selector, an operator with values.
struct Scope {
  std::string_view name;
  std::string_view op = "Exists";
  std::span<const Value> values = {};
};

bool matches_text(const Scope& scope, std::string_view own) {
  const bool is_listed = std::ranges::any_of(
      scope.values, [&](const Value& one) { return one.is_string() && one.as_string() == own; });
  if (scope.op == "In") return !own.empty() && is_listed;
  if (scope.op == "NotIn") return !is_listed;
  return own.empty() == (scope.op == "DoesNotExist");
}

bool holds(const Scope& scope, QuotaSubject subject, const Value& object) {
  const auto* spec = object.find("spec");
  if (scope.name == "VolumeAttributesClass") {
    return subject.group.empty() && subject.resource == "persistentvolumeclaims" &&
           matches_text(scope, spec == nullptr ? "" : spec->string_at("volumeAttributesClassName"));
  }
  if (!subject.is_pod()) return false;
  const bool ends = spec != nullptr && spec->find("activeDeadlineSeconds") != nullptr;
  if (scope.name == "Terminating") return ends;
  if (scope.name == "NotTerminating") return !ends;
  const bool has_best_effort = spec == nullptr || is_best_effort(*spec);
  if (scope.name == "BestEffort") return has_best_effort;
  if (scope.name == "NotBestEffort") return !has_best_effort;
  if (scope.name == "CrossNamespacePodAffinity") return crosses_namespaces(object);
  if (scope.name != "PriorityClass") return false;
  return matches_text(scope, spec == nullptr ? "" : spec->string_at("priorityClassName"));
}

// The amounts that the resources of a pod or of its containers are counted as.
void add_amounts(std::set<std::string>& names, const Value* resources) {
  const auto add = [&](const char* kind, auto visit) {
    const Value* amounts = resources == nullptr ? nullptr : resources->find(kind);
    if (amounts == nullptr || !amounts->is_object()) return;
    for (const Member& member : amounts->members()) visit(std::string(member.key));
  };
  add("requests", [&](const std::string& name) {
    names.insert(name);
    names.insert("requests." + name);
  });
  add("limits", [&](const std::string& name) {
    const bool is_counted = name == "cpu" || name == "memory" || name == "ephemeral-storage";
    if (is_counted) names.insert("limits." + name);
  });
}

void add_names(std::set<std::string>& names, QuotaSubject subject, const Value& object) {
  const Value* spec = object.find("spec");
  if (spec == nullptr) return;
  if (subject.is_pod()) {
    add_amounts(names, spec->find("resources"));
    for (const char* list : {"initContainers", "containers"}) {
      for (const Value& container : items_at(spec, list)) {
        add_amounts(names, container.find("resources"));
      }
    }
  } else if (subject.resource == "persistentvolumeclaims") {
    names.insert("requests.storage");
    const std::string of_class = std::string(class_of_claim(object)) + std::string(kClassSuffix);
    if (of_class != kClassSuffix) {
      names.insert(of_class + "requests.storage");
      names.insert(of_class + "persistentvolumeclaims");
    }
  } else if (subject.resource == "services") {
    names.insert({"services.nodeports", "services.loadbalancers"});
  }
}

}  // namespace

std::string QuotaSubject::count_name() const {
  std::string name = std::string(kCount) + std::string(resource);
  if (!group.empty()) name.append(".").append(group);
  return name;
}

bool is_in_scope(const Value& term, QuotaSubject subject, const Value& object) {
  if (term.is_string()) return holds({term.as_string()}, subject, object);
  const Scope scope{term.string_at("scopeName"), term.string_at("operator"),
                    items_at(&term, "values")};
  return holds(scope, subject, object);
}

bool is_in_quota_scope(const Value& spec, QuotaSubject subject, const Value& object) {
  const auto takes_in = [&](const Value& term) { return is_in_scope(term, subject, object); };
  return std::ranges::all_of(items_at(&spec, "scopes"), takes_in) &&
         std::ranges::all_of(items_at(spec.find("scopeSelector"), "matchExpressions"), takes_in);
}

std::set<std::string> quota_names_of(QuotaSubject subject, const Value& object, WallTime now) {
  std::set<std::string> names = {subject.count_name()};
  if (subject.group.empty()) {
    static constexpr std::string_view kCounted[] = {
        "pods",    "services",   "persistentvolumeclaims", "replicationcontrollers",
        "secrets", "configmaps", "resourcequotas"};
    if (std::ranges::find(kCounted, subject.resource) != std::end(kCounted)) {
      names.emplace(subject.resource);
    }
    add_names(names, subject, object);
  } else if (subject.is_device_claim()) {
    add_device_names(names, object);
  }
  std::erase_if(names, [&](const std::string& name) {
    return quota_usage(subject, object, name, now).sign() <= 0;
  });
  return names;
}

Quantity quota_usage(QuotaSubject subject, const Value& object, std::string_view name,
                     WallTime now) {
  if (name.starts_with(kCount)) {
    return Quantity::from_value(name == subject.count_name() ? 1 : 0);
  }
  if (subject.is_device_claim() && name.ends_with(kDeviceSuffix)) return device_usage(object, name);
  if (!subject.group.empty()) return {};
  if (subject.is_pod()) {
    if (is_finished(object) || is_overdue(object, now)) return {};
    if (name == "pods") return Quantity::from_value(1);
    const auto [kind, resource] = pod_amount_of(name);
    const auto* spec = object.find("spec");
    if (kind.empty() || spec == nullptr) return {};
    return amount_with_overhead(*spec, kind, resource);
  }
  if (name == subject.resource) return Quantity::from_value(1);
  if (subject.resource == "persistentvolumeclaims") return claim_usage(object, name);
  if (subject.resource == "services") return service_usage(object, name);
  return {};
}

NamedSubject quota_subject_of(std::string_view name) {
  if (name.starts_with(kCount)) {
    const std::string_view rest = name.substr(kCount.size());
    const auto dot = rest.find('.');
    if (dot == std::string_view::npos) return {"", std::string(rest)};
    return {std::string(rest.substr(dot + 1)), std::string(rest.substr(0, dot))};
  }
  if (name == "requests.storage" || name.find(kClassSuffix) != std::string_view::npos) {
    return {"", "persistentvolumeclaims"};
  }
  if (name.starts_with("services.")) return {"", "services"};
  if (name.ends_with(kDeviceSuffix)) return {"resource.k8s.io", "resourceclaims"};
  if (name != "pods" && pod_amount_of(name).first.empty()) return {"", std::string(name)};
  return {"", "pods"};
}

std::pair<std::string_view, std::string_view> pod_amount_of(std::string_view name) {
  if (name == "requests.storage") return {};
  if (name.starts_with("limits.")) return {"limits", name.substr(7)};
  if (name.starts_with("requests.")) return {"requests", name.substr(9)};
  const bool is_bare = name == "cpu" || name == "memory" || name == "ephemeral-storage" ||
                       name.starts_with("hugepages-");
  return is_bare ? std::pair(std::string_view("requests"), name)
                 : std::pair<std::string_view, std::string_view>();
}

bool is_extended_resource(std::string_view name) {
  return name.find('/') != std::string_view::npos &&
         name.find("kubernetes.io/") == std::string_view::npos && !name.starts_with("requests.");
}

}  // namespace pinnace::api
