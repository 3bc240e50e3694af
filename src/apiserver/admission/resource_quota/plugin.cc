// ResourceQuota: no namespace gets more than it may have.
//
// Why it counts what is stored, and does not believe a quota's status: the status is written some
//   time later. What is admitted and not stored yet is in the ledger.
// Configuration: limitedResources, of which there is nothing to be had but within a quota.
// Cost: with a quota about a kind, each creation of one looks at all of them in the namespace.
#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "api/json.h"
#include "api/pod_resources.h"
#include "api/quota.h"
#include "apiserver/admission/plugin_configuration.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/admission/resource_quota/quota_ledger.h"
#include "apiserver/backend.h"
#include "apiserver/registry/stored_json.h"
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

// What may be had only where a quota is about it.
struct Limited {
  std::string group, resource;
  std::vector<std::string> parts_of_names;
  std::vector<api::Value> scopes;
};

struct Ledger final : PluginState {
  QuotaLedger entries;
  api::Arena arena;  // Of the scopes.
  std::vector<Limited> limited;
};

Result<std::unique_ptr<PluginState>> configure(Backend&, const api::Value* configuration) {
  auto state = std::make_unique<Ledger>();
  if (configuration == nullptr) return state;
  const bool is_newest = configuration->string_at("kind") == "ResourceQuotaConfiguration";
  auto is_known = is_newest
                      ? check_configuration_kind(*configuration, "apiserver.config.k8s.io", "v1",
                                                 "ResourceQuotaConfiguration")
                      : check_configuration_kind(*configuration, "resourcequota.admission.k8s.io",
                                                 "v1beta1 v1alpha1", "Configuration");
  if (!is_known) return std::unexpected(std::move(is_known.error()));
  for (const auto& each : items_at(configuration, "limitedResources")) {
    Limited limited{
        std::string(each.string_at("apiGroup")), std::string(each.string_at("resource")), {}, {}};
    if (limited.resource.empty()) {
      return errors::bad_request("limitedResources[" + std::to_string(state->limited.size()) +
                                 "].resource: Required value");
    }
    for (const auto& part : items_at(&each, "matchContains")) {
      if (part.is_string()) limited.parts_of_names.emplace_back(part.as_string());
    }
    for (const auto& scope : items_at(&each, "matchScopes")) {
      limited.scopes.push_back(api::deep_copy(state->arena, scope));
    }
    state->limited.push_back(std::move(limited));
  }
  return state;
}

api::QuotaSubject subject_of(const Change& change) {
  return {change.storage.group, change.storage.name};
}

// The namespace's quotas whose scopes take the object in, parsed into the change's arena.
std::vector<Quota> quotas_about(Change& change, const api::Value& object) {
  std::vector<Quota> quotas;
  const auto stored = change.backend.store().list("resourcequotas", change.ns);
  if (!stored) return quotas;
  for (const auto& one : stored->objects) {
    const auto parsed = parse_stored(change.arena, *one);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    if (spec == nullptr || !api::is_in_quota_scope(*spec, subject_of(change), object)) continue;
    quotas.push_back({one->key.name, spec, {}});
  }
  return quotas;
}

// What the request takes of each: all of a new object, of a changed one what is more than before.
void ask(const AdmissionRequest& request, Quota& quota) {
  const auto subject = subject_of(request.change);
  const WallTime now = request.change.backend.now();
  const bool was_in =
      request.old != nullptr && api::is_in_quota_scope(*quota.spec, subject, *request.old);
  for (const auto& [name, allowed] : members_at(quota.spec, "hard")) {
    auto asked = api::quota_usage(subject, *request.object, name, now);
    if (was_in) asked -= api::quota_usage(subject, *request.old, name, now);
    if (asked.sign() <= 0) continue;
    quota.hard.push_back({std::string(name), api::quantity_of(&allowed), asked, {}});
  }
  std::ranges::sort(quota.hard, {}, &Hard::name);  // As it is told.
}

// A quota of cpu or memory wants every container to say how much it takes.
std::string unsaid(const api::Value& pod, const Quota& quota) {
  std::string out;
  if (pod.find_path({"spec", "resources"}) != nullptr) return out;  // The pod says it as a whole.
  std::map<std::string_view, std::set<std::string>> missing;
  for (const auto& member : members_at(quota.spec, "hard")) {
    const auto [kind, resource] = api::pod_amount_of(member.key);
    if (kind.empty() || (resource != "cpu" && resource != "memory")) continue;
    for (const auto& list : {kContainerLists[1], kContainerLists[0]}) {
      for (const auto& container : items_at(pod.find("spec"), list.field)) {
        if (container.find_path({"resources", kind, resource}) != nullptr) continue;
        missing[member.key].emplace(container.string_at("name"));
      }
    }
  }
  for (const auto& [amount, names] : missing) {
    out += (out.empty() ? "" : "; ") + std::string(amount) + " for: ";
    out += join({names.begin(), names.end()}, ",");
  }
  return out;
}

void count(const Change& change, std::vector<Quota>& quotas, std::string_view json) {
  api::Arena scratch;
  const auto object = api::parse_json(scratch, json);
  if (!object) return;
  for (Quota& quota : quotas) {
    if (!api::is_in_quota_scope(*quota.spec, subject_of(change), *object)) continue;
    for (Hard& hard : quota.hard) {
      hard.used += api::quota_usage(subject_of(change), *object, hard.name, change.backend.now());
    }
  }
}

Result<void> check_room(const Change& change, const Quota& quota) {
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

Result<void> count_and_check(AdmissionRequest& request, std::vector<Quota>& quotas) {
  Change& change = request.change;
  QuotaLedger& ledger = static_cast<Ledger&>(*request.state).entries;
  const store::Store& store = change.backend.store();
  const store::Revision seen = store.revision();
  const auto lock = ledger.lock();
  const auto others = store.list(change.storage.storage_resource, change.ns);
  if (!others) return std::unexpected(others.error());
  std::string room;
  for (const auto& other : others->objects) count(change, quotas, other->json.read(room));
  for (const auto& entry : ledger.entries()) {
    const bool concerns =
        entry.key.resource == change.storage.storage_resource && entry.key.ns == change.ns;
    if (concerns && !store.get(entry.key)) count(change, quotas, entry.json);
  }
  for (const Quota& quota : quotas) {
    if (auto ok = check_room(change, quota); !ok) return ok;
  }
  if (!request.is(Operation::kCreate) || change.dry_run) return {};
  const auto ticket =
      ledger.add({std::string(change.storage.storage_resource), change.ns, change.name},
                 api::to_json_text(*request.object));
  change.finish.push_back([&ledger, ticket](bool) { ledger.settle(ticket); });
  // Another server may give away the last place at the same time.
  change.guards.push_back(
      {"quota/" + change.ns + '/' + std::string(change.storage.storage_resource), seen});
  return {};
}

// Whether the request takes more of anything than was taken before.
bool takes_more(const AdmissionRequest& request, const std::vector<Quota>& quotas) {
  if (request.old == nullptr) return true;
  const auto subject = subject_of(request.change);
  const WallTime now = request.change.backend.now();
  const bool is_new_to_one = std::ranges::any_of(quotas, [&](const Quota& quota) {
    return !api::is_in_quota_scope(*quota.spec, subject, *request.old);
  });
  if (is_new_to_one) return true;
  const auto names = api::quota_names_of(subject, *request.object, now);
  return std::ranges::any_of(names, [&](const std::string& name) {
    return api::quota_usage(subject, *request.object, name, now) >
           api::quota_usage(subject, *request.old, name, now);
  });
}

// Of what is limited there must be a quota among those that are about the object.
Result<void> check_covered(const AdmissionRequest& request, const std::vector<Limited>& all,
                           const std::vector<Quota>& quotas) {
  const auto subject = subject_of(request.change);
  const WallTime now = request.change.backend.now();
  std::string missing;
  for (const std::string& name : api::quota_names_of(subject, *request.object, now)) {
    const bool is_limited = std::ranges::any_of(all, [&](const Limited& limited) {
      return limited.group == subject.group && limited.resource == subject.resource &&
             std::ranges::any_of(limited.parts_of_names, [&](const std::string& part) {
               return name.find(part) != std::string::npos;
             });
    });
    const bool is_covered = std::ranges::any_of(quotas, [&](const Quota& quota) {
      const auto* hard = quota.spec->find("hard");
      return hard != nullptr && hard->find(name) != nullptr;
    });
    if (is_limited && !is_covered) missing += (missing.empty() ? "" : ",") + name;
  }
  if (missing.empty()) return {};
  return admission_refusal(request.change, "insufficient quota to consume: " + missing);
}

// "{PriorityClass In [a b]}"
std::string shown_scope(const api::Value& scope) {
  std::string values;
  for (const auto& value : items_at(&scope, "values")) {
    if (value.is_string()) (values += values.empty() ? "" : " ") += value.as_string();
  }
  return "{" + std::string(scope.string_at("scopeName")) + " " +
         std::string(scope.string_at("operator")) + " [" + values + "]}";
}

// The names of the scopes, of any quota here, that take the object in.
std::set<std::string, std::less<>> scopes_with_quota(Change& change, const api::Value& object) {
  std::set<std::string, std::less<>> names;
  const auto stored = change.backend.store().list("resourcequotas", change.ns);
  if (!stored) return names;
  for (const auto& one : stored->objects) {
    const auto parsed = parse_stored(change.arena, *one);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    if (spec == nullptr) continue;
    for (const auto& scope : items_at(spec, "scopes")) {
      if (api::is_in_scope(scope, subject_of(change), object)) names.emplace(scope.as_string());
    }
    for (const auto& term : items_at(spec->find("scopeSelector"), "matchExpressions")) {
      if (api::is_in_scope(term, subject_of(change), object)) {
        names.emplace(term.string_at("scopeName"));
      }
    }
  }
  return names;
}

Result<void> check_scopes(const AdmissionRequest& request, const std::vector<Limited>& all) {
  const auto subject = subject_of(request.change);
  std::string missing;
  std::optional<std::set<std::string, std::less<>>> covered;
  for (const Limited& limited : all) {
    for (const api::Value& scope : limited.scopes) {
      if (!api::is_in_scope(scope, subject, *request.object)) continue;
      if (!covered) covered = scopes_with_quota(request.change, *request.object);
      if (covered->contains(scope.string_at("scopeName"))) continue;
      missing += (missing.empty() ? "" : " ") + shown_scope(scope);
    }
  }
  if (missing.empty()) return {};
  // Kubernetes has no reason for it.
  return std::unexpected(
      Error(500, "", "insufficient quota to match these scopes: [" + missing + "]"));
}

Result<void> check_quotas(AdmissionRequest& request) {
  Change& change = request.change;
  if (!change.storage.namespaced) return {};
  const std::vector<Limited>& limited = static_cast<const Ledger&>(*request.state).limited;
  if (limited.empty() && change.backend.store().count("resourcequotas") == 0) return {};
  const bool is_pod = subject_of(change).is_pod();
  // Of a pod that runs nothing can grow but by a resize.
  if (is_pod && request.is(Operation::kUpdate) && change.subresource != "resize") return {};
  if (!is_pod && !change.subresource.empty()) return {};
  auto quotas = quotas_about(change, *request.object);
  for (Quota& quota : quotas) {
    if (is_pod && request.is(Operation::kCreate)) {
      const std::string missing = unsaid(*request.object, quota);
      if (!missing.empty()) {
        return admission_refusal(change,
                                 "failed quota: " + quota.name + ": must specify " + missing);
      }
    }
    ask(request, quota);
  }
  if (!limited.empty() && takes_more(request, quotas)) {
    if (auto ok = check_covered(request, limited, quotas); !ok) return ok;
    if (auto ok = check_scopes(request, limited); !ok) return ok;
  }
  std::erase_if(quotas, [](const Quota& quota) { return quota.hard.empty(); });
  return quotas.empty() ? Result<void>() : count_and_check(request, quotas);
}

}  // namespace

constinit const AdmissionPlugin kResourceQuota{.name = "ResourceQuota",
                                               .resources = "",
                                               .subresources = "resize",
                                               .operations = kWrites,
                                               .validate = check_quotas,
                                               .configure = configure};

}  // namespace pinnace::apiserver
