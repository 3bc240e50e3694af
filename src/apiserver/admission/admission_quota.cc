// ResourceQuota: no namespace gets more than it may have.
#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/admission_plugins.h"
#include "apiserver/admission/pod_amounts.h"
#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

struct Hard {
  std::string name;
  api::Quantity allowed, asked, used;
};

struct Quota {
  std::string name;
  const api::Value* spec;
  std::vector<Hard> hard;
};

constexpr std::string_view kClassSuffix = ".storageclass.storage.k8s.io/";

// "requests" and "cpu" of "requests.cpu" or "cpu"; an empty kind for what is none of a pod's.
std::pair<std::string_view, std::string_view> pod_resource(std::string_view name) {
  if (name.starts_with("limits.")) return {"limits", name.substr(7)};
  if (name.starts_with("requests.")) return {"requests", name.substr(9)};
  if (name == "cpu" || name == "memory" || name == "ephemeral-storage") return {"requests", name};
  return {};
}

api::Quantity pod_usage(const api::Value& pod, std::string_view name) {
  if (name == "pods" || name == "count/pods") return api::Quantity::from_value(1);
  const auto [kind, resource] = pod_resource(name);
  return kind.empty() ? api::Quantity() : pod_amount(pod, kind, resource);
}

api::Quantity claim_usage(const api::Value& claim, std::string_view name) {
  const auto* storage = claim.find_path({"spec", "resources", "requests", "storage"});
  if (name == "requests.storage") return quantity_of(storage);
  const auto at = name.find(kClassSuffix);
  if (at == std::string_view::npos) return {};
  const auto* spec = claim.find("spec");
  if (spec == nullptr || spec->string_at("storageClassName") != name.substr(0, at)) return {};
  const std::string_view what = name.substr(at + kClassSuffix.size());
  return what == "requests.storage" ? quantity_of(storage) : api::Quantity::from_value(1);
}

bool is_finished(const api::Value& pod) {
  const auto* status = pod.find("status");
  const std::string_view phase = status == nullptr ? "" : status->string_at("phase");
  return phase == "Succeeded" || phase == "Failed";
}

bool is_best_effort(const api::Value& pod) {
  for (const char* kind : {"requests", "limits"}) {
    for (const char* name : {"cpu", "memory"}) {
      if (!pod_amount(pod, kind, name).is_zero()) return false;
    }
  }
  return true;
}

// What one object of the changed kind counts for `name`; zero when the quota is not about it.
api::Quantity usage_of(const Change& change, const api::Value& object, std::string_view name) {
  const std::string_view resource = change.storage.storage_resource;
  if (resource == "pods") return is_finished(object) ? api::Quantity() : pod_usage(object, name);
  if (name == "count/" + resource_text(change.storage) || name == change.storage.name) {
    return api::Quantity::from_value(1);
  }
  if (resource == "persistentvolumeclaims") return claim_usage(object, name);
  if (resource != "services" || !name.starts_with("services.")) return {};
  const auto* spec = object.find("spec");
  const std::string_view type = spec == nullptr ? "" : spec->string_at("type");
  const bool balances = type == "LoadBalancer";
  const bool counts = (name == "services.nodeports" && (type == "NodePort" || balances)) ||
                      (name == "services.loadbalancers" && balances);
  return counts ? api::Quantity::from_value(1) : api::Quantity();
}

// A scope narrows a quota to some pods.
bool holds_scope(const api::Value& pod, std::string_view scope, const api::Value* values) {
  const auto* spec = pod.find("spec");
  if (scope == "BestEffort") return is_best_effort(pod);
  if (scope == "NotBestEffort") return !is_best_effort(pod);
  const bool ends = spec != nullptr && spec->find("activeDeadlineSeconds") != nullptr;
  if (scope == "Terminating") return ends;
  if (scope == "NotTerminating") return !ends;
  if (scope != "PriorityClass" || spec == nullptr) return false;
  const std::string_view own = spec->string_at("priorityClassName");
  if (values == nullptr || values->empty()) return !own.empty();
  return std::ranges::any_of(values->items(), [&](const api::Value& one) {
    return one.is_string() && one.as_string() == own;
  });
}

bool is_in_scope(const Change& change, const api::Value& object, const api::Value& spec) {
  const bool is_pod = change.storage.storage_resource == "pods";
  const auto* scopes = spec.find("scopes");
  const auto* expressions = spec.find_path({"scopeSelector", "matchExpressions"});
  if (scopes != nullptr && scopes->is_array()) {
    for (const auto& scope : scopes->items()) {
      if (!is_pod || !scope.is_string() || !holds_scope(object, scope.as_string(), nullptr)) {
        return false;
      }
    }
  }
  if (expressions == nullptr || !expressions->is_array()) return true;
  return std::ranges::all_of(expressions->items(), [&](const api::Value& one) {
    const std::string_view op = one.string_at("operator");
    const bool holds =
        is_pod && holds_scope(object, one.string_at("scopeName"), one.find("values"));
    return op == "NotIn" || op == "DoesNotExist" ? is_pod && !holds : holds;
  });
}

// The namespace's quotas that count this object, and what it asks of each.
std::vector<Quota> quotas_for(Change& change, const api::Value& object,
                              const store::Snapshot& stored) {
  std::vector<Quota> quotas;
  for (const auto& one : stored.objects) {
    const auto parsed = api::parse_json(change.arena, one->json);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    const auto* hard = spec == nullptr ? nullptr : spec->find("hard");
    if (hard == nullptr || !hard->is_object() || !is_in_scope(change, object, *spec)) continue;
    Quota quota{one->key.name, spec, {}};
    for (const auto& [name, allowed] : hard->members()) {
      const auto asked = usage_of(change, object, name);
      if (!asked.is_zero())
        quota.hard.push_back({std::string(name), quantity_of(&allowed), asked, {}});
    }
    if (!quota.hard.empty()) quotas.push_back(std::move(quota));
  }
  return quotas;
}

// A quota of cpu or memory wants every container to say how much it takes.
std::string unsaid(const api::Value& pod, const api::Value& hard) {
  std::string out;
  const auto* containers = pod.find_path({"spec", "containers"});
  if (containers == nullptr || !containers->is_array()) return out;
  for (const auto& member : hard.members()) {
    const auto [kind, resource] = pod_resource(member.key);
    if (kind.empty() || (resource != "cpu" && resource != "memory")) continue;
    std::string names;
    for (const auto& container : containers->items()) {
      if (container.find_path({"resources", kind, resource}) != nullptr) continue;
      names += (names.empty() ? "" : ",") + std::string(container.string_at("name"));
    }
    if (names.empty()) continue;
    out += (out.empty() ? "" : "; ") + std::string(member.key) + " for: " + names;
  }
  return out;
}

Result<void> check_all_said(Change& change, const api::Value& object,
                            const store::Snapshot& stored) {
  if (change.storage.storage_resource != "pods") return {};
  for (const auto& one : stored.objects) {
    const auto parsed = api::parse_json(change.arena, one->json);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    const auto* hard = spec == nullptr ? nullptr : spec->find("hard");
    if (hard == nullptr || !is_in_scope(change, object, *spec)) continue;
    const std::string missing = unsaid(object, *hard);
    if (missing.empty()) continue;
    return admission_refusal(change,
                             "failed quota: " + one->key.name + ": must specify " + missing);
  }
  return {};
}

void count(const Change& change, std::vector<Quota>& quotas, std::string_view json) {
  api::Arena scratch;
  const auto object = api::parse_json(scratch, json);
  if (!object) return;
  for (Quota& quota : quotas) {
    if (!is_in_scope(change, *object, *quota.spec)) continue;
    for (Hard& hard : quota.hard) hard.used += usage_of(change, *object, hard.name);
  }
}

Result<void> check_room(Change& change, const Quota& quota) {
  std::string asked, used, allowed;
  for (const Hard& hard : quota.hard) {
    if (!(hard.used + hard.asked > hard.allowed)) continue;
    const std::string comma = asked.empty() ? "" : ",";
    asked += comma + hard.name + "=" + hard.asked.format();
    used += comma + hard.name + "=" + hard.used.format();
    allowed += comma + hard.name + "=" + hard.allowed.format();
  }
  if (asked.empty()) return {};
  return admission_refusal(change, "exceeded quota: " + quota.name + ", requested: " + asked +
                                       ", used: " + used + ", limited: " + allowed);
}

}  // namespace

Result<void> admit_quota(AdmissionRequest& request) {
  Change& change = request.change;
  api::Value& object = *request.object;
  store::Store& store = change.backend.store();
  if (!change.storage.namespaced || store.count("resourcequotas") == 0) {
    return {};
  }
  auto stored = store.list("resourcequotas", change.ns);
  if (!stored || stored->objects.empty()) return {};
  if (auto ok = check_all_said(change, object, *stored); !ok) return ok;
  auto quotas = quotas_for(change, object, *stored);
  if (quotas.empty()) return {};
  QuotaLedger& ledger = change.backend.quota_ledger;
  const auto lock = ledger.lock();
  auto others = store.list(change.storage.storage_resource, change.ns);
  if (!others) return std::unexpected(std::move(others.error()));
  for (const auto& other : others->objects) count(change, quotas, other->json);
  for (const auto& entry : ledger.entries()) {
    const bool concerns =
        entry.key.resource == change.storage.storage_resource && entry.key.ns == change.ns;
    if (concerns && !store.get(entry.key)) count(change, quotas, entry.json);
  }
  for (const Quota& quota : quotas) {
    if (auto ok = check_room(change, quota); !ok) return ok;
  }
  const auto ticket =
      ledger.add({std::string(change.storage.storage_resource), change.ns, change.name},
                 api::to_json_text(object));
  change.finish.push_back([&ledger, ticket](bool) { ledger.settle(ticket); });
  return {};
}

}  // namespace pinnace::apiserver
