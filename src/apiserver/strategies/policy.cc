// What bounds others: quotas, limit ranges, priority classes.
#include <algorithm>
#include <cstdio>
#include <map>
#include <set>

#include "apiserver/backend.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/rng.h"

namespace pinnace::apiserver {
namespace {

using Texts = std::set<std::string, std::less<>>;

// -- ResourceQuota

struct Scope {
  std::string_view name;
  enum class Of : std::uint8_t { kPods, kPodCount, kClaims } of;
  bool only_exists;  // Its selector cannot name values.
};
constexpr Scope kScopes[] = {
    {"Terminating", Scope::Of::kPods, true},
    {"NotTerminating", Scope::Of::kPods, true},
    {"BestEffort", Scope::Of::kPodCount, true},
    {"NotBestEffort", Scope::Of::kPods, true},
    {"PriorityClass", Scope::Of::kPods, false},
    {"CrossNamespacePodAffinity", Scope::Of::kPods, true},
    {"VolumeAttributesClass", Scope::Of::kClaims, false},
};

const Scope* scope_named(std::string_view name) {
  const auto* found = std::find_if(std::begin(kScopes), std::end(kScopes),
                                   [&](const Scope& scope) { return scope.name == name; });
  return found == std::end(kScopes) ? nullptr : found;
}

bool is_of_scope(const Scope* scope, std::string_view resource) {
  const auto is = [&](std::initializer_list<std::string_view> list) {
    return std::find(list.begin(), list.end(), resource) != list.end();
  };
  if (scope == nullptr) return true;
  switch (scope->of) {
    case Scope::Of::kPodCount:
      return resource == "pods";
    case Scope::Of::kClaims:
      return is({"persistentvolumeclaims", "requests.storage"});
    case Scope::Of::kPods:
      return is({"pods", "cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu",
                 "limits.memory"});
  }
  return false;
}

void validate_quota_amounts(const Field& amounts) {
  for (const auto& [name, amount] : amounts.entries()) {
    validate_resource_name(amount, name, ResourceUse::kQuota);
    validate_resource_amount(amount, name);
  }
}

// Complains at `place` where a scope says nothing about a resource that the quota bounds.
void validate_scope_resources(const Field& hard, std::string_view scope, const Field& place) {
  for (const auto& [name, amount] : hard.entries()) {
    if (!is_quota_resource(name) || is_of_scope(scope_named(scope), name)) continue;
    place.invalid("unsupported scope applied to resource");
  }
}

void validate_scope_pairs(const Texts& scopes, const Field& place) {
  for (const auto& [one, other] :
       {std::pair("BestEffort", "NotBestEffort"), std::pair("Terminating", "NotTerminating")}) {
    if (scopes.contains(one) && scopes.contains(other)) place.invalid("conflicting scopes");
  }
}

void validate_scopes(const Field& spec) {
  const Field scopes = spec["scopes"];
  Texts names;
  for (const Field& scope : scopes.items()) {
    if (scope_named(scope.text()) == nullptr) scopes.invalid("unsupported scope");
    validate_scope_resources(spec["hard"], scope.text(), scopes);
    names.emplace(scope.text());
  }
  validate_scope_pairs(names, scopes);
}

void validate_scope_selector(const Field& spec) {
  const Field selector = spec["scopeSelector"];
  const Field expressions = selector["matchExpressions"];
  const Field whole = selector.as(expressions);
  Texts names;
  for (const Field& expression : expressions.items()) {
    // Complaints leave out which expression it is.
    const Field scope = expression["scopeName"].as(expressions["scopeName"]);
    const Field op = expression["operator"].as(expressions["operator"]);
    const Field values = expression["values"].as(expressions["values"]);
    const Scope* known = scope_named(scope.text());
    if (known == nullptr) scope.invalid("unsupported scope");
    validate_scope_resources(spec["hard"], scope.text(), whole);
    if (known != nullptr && known->only_exists && !op.is("Exists")) {
      op.invalid(
          "must be 'Exists' when scope is any of ResourceQuotaScopeTerminating, "
          "ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, "
          "ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity");
    }
    if (op.is_among({"In", "NotIn"})) {
      if (values.empty()) {
        values.required(
            "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
      }
    } else if (op.is_among({"Exists", "DoesNotExist"})) {
      if (!values.empty()) {
        values.invalid(
            "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector");
      }
    } else {
      op.invalid("not a valid selector operator");
    }
    names.emplace(scope.text());
  }
  validate_scope_pairs(names, spec["scopes"].as(expressions));
}

void validate_quota(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_quota_amounts(spec["hard"]);
  validate_scopes(spec);
  validate_scope_selector(spec);
}

void keep_quota_scopes(Change& change, const api::Value& object, const api::Value& old) {
  const Field scopes = root(change, object)["spec"]["scopes"];
  std::vector<Cause> none;
  const api::Value* spec = old.find("spec");
  const Field before(none, change.arena, spec == nullptr ? nullptr : spec->find("scopes"));
  Texts was, is;
  for (const Field& scope : before.items()) was.emplace(scope.text());
  for (const Field& scope : scopes.items()) is.emplace(scope.text());
  if (was != is) scopes.invalid("field is immutable");
}

void validate_quota_status(Change& change, const api::Value& object, const api::Value&) {
  const Field status = root(change, object)["status"];
  validate_quota_amounts(status["hard"]);
  validate_quota_amounts(status["used"]);
}

// -- LimitRange

// One without a name gets one.
Result<void> name_limit_range(Change& change, api::Value& object) {
  if (!change.name.empty()) return {};
  change.name = make_uuid(change.backend.options.rng);
  meta_of(change.arena, object).set_ref(change.arena, "name", change.text(change.name));
  return {};
}

void validate_limit_type(const Field& type) {
  const auto complaints = api::check_qualified_name(type.text());
  type.each(complaints);
  if (!complaints.empty() || type.text().find('/') != std::string_view::npos) return;
  if (!type.is_among({"Pod", "Container", "PersistentVolumeClaim"})) {
    type.invalid("must be a standard limit type or fully qualified");
  }
}

// Two amounts of one resource of which the first may not be more. The complaint is about `about`
// and shows the amount of `shown`.
struct Order {
  const char* low;
  const char* high;
  const char* about;
  const char* shown;
  const char* low_text;
  const char* high_text;
};
constexpr Order kOrders[] = {
    {"min", "max", "min", "min", "min value", "max value"},
    {"min", "defaultRequest", "defaultRequest", "defaultRequest", "min value",
     "default request value"},
    {"defaultRequest", "max", "defaultRequest", "defaultRequest", "default request value",
     "max value"},
    {"defaultRequest", "default", "defaultRequest", "defaultRequest", "default request value",
     "default limit value"},
    {"min", "default", "default", "min", "min value", "default value"},
    {"default", "max", "default", "max", "default value", "max value"},
};

constexpr const char* kLimitMaps[] = {"max", "min", "default", "defaultRequest",
                                      "maxLimitRequestRatio"};

// The amounts of one limit.
class LimitMaps {
 public:
  explicit LimitMaps(const Field& limit) {
    for (const char* key : kLimitMaps) maps_.emplace(key, limit[key]);
  }
  Field at(std::string_view map, std::string_view name) {
    return maps_.find(map)->second.at_key(name);
  }

 private:
  std::map<std::string_view, FieldMap> maps_;
};

void validate_ratio(LimitMaps& limit, std::string_view name) {
  const Field field = limit.at("maxLimitRequestRatio", name);
  const auto ratio = field.amount();
  if (!ratio) return;
  if (*ratio < api::Quantity::from_value(1)) {
    field.invalid("ratio " + ratio->format() + " is less than 1");
  }
  const auto low = limit.at("min", name).amount();
  const auto high = limit.at("max", name).amount();
  if (!low || !high || low->is_zero()) return;
  const double most = high->as_double() / low->as_double();
  if (ratio->as_double() <= most) return;
  char text[64];
  std::snprintf(text, sizeof text, "%f", most);
  field.invalid("ratio " + ratio->format() + " is greater than max/min = " + text);
}

void validate_limit_amounts(LimitMaps& limit, std::string_view name) {
  for (const Order& order : kOrders) {
    const auto low = limit.at(order.low, name).amount();
    const auto high = limit.at(order.high, name).amount();
    if (!low || !high || *low <= *high) continue;
    limit.at(order.about, name)
        .invalid_value(limit.at(order.shown, name).shown(),
                       std::string(order.low_text) + " " + low->format() + " is greater than " +
                           order.high_text + " " + high->format());
  }
  validate_ratio(limit, name);
  const auto given = limit.at("default", name).amount();
  const auto asked = limit.at("defaultRequest", name).amount();
  if (may_overcommit(name) || !given || !asked || *given == *asked) return;
  limit.at("defaultRequest", name)
      .invalid("default value " + given->format() + " must equal to defaultRequest value " +
               asked->format() + " in " + std::string(name));
}

void validate_limit(const Field& limit) {
  const Field type = limit["type"];
  const bool is_pod = type.is("Pod");
  const ResourceUse use =
      is_pod || type.is("Container") ? ResourceUse::kContainer : ResourceUse::kAny;
  Texts names;
  for (const char* key : kLimitMaps) {
    const std::string_view map = key;
    if (is_pod && (map == "default" || map == "defaultRequest")) {
      if (!limit[key].empty()) limit[key].forbidden("may not be specified when `type` is 'Pod'");
      continue;
    }
    for (const auto& [name, amount] : limit[key].entries()) {
      validate_resource_name(amount, name, use);
      names.emplace(name);
    }
  }
  if (type.is("PersistentVolumeClaim") && !limit["min"].at_key("storage").is_set() &&
      !limit["max"].at_key("storage").is_set()) {
    limit["limits"].required(
        "either minimum or maximum storage value is required, but neither was provided");
  }
  LimitMaps maps(limit);
  for (const auto& name : names) validate_limit_amounts(maps, name);
}

void validate_limit_range(Change& change, const api::Value& object) {
  Texts types;
  for (const Field& limit : root(change, object)["spec"]["limits"].items()) {
    const Field type = limit["type"];
    validate_limit_type(type);
    if (!types.emplace(type.text()).second) type.duplicate();
    validate_limit(limit);
  }
}

// -- PriorityClass

constexpr std::int64_t kHighestUserPriority = 1000000000;

struct SystemClass {
  std::string_view name;
  std::int64_t value;
};
constexpr SystemClass kSystemClasses[] = {{"system-node-critical", 2000001000},
                                          {"system-cluster-critical", 2000000000}};

void validate_priority_value(const Field& one) {
  const Field name = one["metadata"]["name"];
  const Field value = one["value"];
  if (!name.text().starts_with("system-")) {
    if (value.number() > kHighestUserPriority) {
      value.forbidden("maximum allowed value of a user defined priority is 1000000000");
    }
    return;
  }
  const auto* known = std::find_if(std::begin(kSystemClasses), std::end(kSystemClasses),
                                   [&](const SystemClass& it) { return name.is(it.name); });
  const std::string shown(name.text());
  std::string error;
  if (known == std::end(kSystemClasses)) {
    error = shown + " is not a known system priority class";
  } else if (value.number() != known->value) {
    error = "value of " + shown + " PriorityClass must be " + std::to_string(known->value);
  } else if (one["globalDefault"].flag()) {
    error = "globalDefault of " + shown + " PriorityClass must be false";
  }
  if (error.empty()) return;
  name.forbidden(
      "priority class names with 'system-' prefix are reserved for system use only. error: " +
      error);
}

void validate_priority_class(Change& change, const api::Value& object) {
  if (change.old != nullptr) return;  // Nothing of it changes.
  const Field one = root(change, object);
  const Field preemption = one["preemptionPolicy"];
  validate_priority_value(one);
  if (!preemption.is_set()) return;
  if (preemption.require()) preemption.one_of({"PreemptLowerPriority", "Never"});
}

void keep_priority_class(Change& change, const api::Value& object, const api::Value& old) {
  const Field now = root(change, object);
  if (now["value"].number() != old.int_at("value")) {
    now["value"].forbidden("may not be changed in an update.");
  }
  now["preemptionPolicy"].immutable(old.find("preemptionPolicy"));
}

Result<void> keep_system_classes(std::string_view name) {
  if (name != "system-node-critical" && name != "system-cluster-critical") return {};
  return errors::forbidden("priorityclasses.scheduling.k8s.io", name,
                           "this is a system priority class and cannot be deleted");
}

}  // namespace

const Strategy kResourceQuotaStrategy{
    .storage_resource = "resourcequotas",
    .returns_deleted = true,
    .validate = validate_quota,
    .validate_update = keep_quota_scopes,
    .validate_status = validate_quota_status,
};
const Strategy kLimitRangeStrategy{
    .storage_resource = "limitranges",
    .create_on_update = true,
    .prepare_create = name_limit_range,
    .validate = validate_limit_range,
};
const Strategy kPriorityClassStrategy{
    .storage_resource = "scheduling.k8s.io/priorityclasses",
    .has_generation = true,
    .generation_stays = true,
    .validate = validate_priority_class,
    .validate_update = keep_priority_class,
    .may_delete = keep_system_classes,
};

}  // namespace pinnace::apiserver
