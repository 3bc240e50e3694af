// Webhooks: which requests they see and how they are asked.
#include "apiserver/strategies/admission_rules.h"

#include <algorithm>
#include <set>

#include "api/json.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "apiserver/strategies/webhook_clients.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxConditions = 64;
constexpr std::int64_t kMaxTimeoutSeconds = 30;
using Texts = std::set<std::string, std::less<>>;

// -- Which requests

bool has(const Field& list, std::string_view text) {
  const auto items = list.items();
  return std::any_of(items.begin(), items.end(), [&](const Field& item) { return item.is(text); });
}

// A list of names in which "*" stands alone.
void validate_names(const Field& names) {
  if (names.empty()) return names.required();
  if (names.size() > 1 && has(names, "*")) {
    names.invalid("if '*' is present, must not specify other values");
  }
}

void validate_resources(const Field& resources) {
  if (resources.empty()) return resources.required();
  Texts with_all_subresources, of_all_resources;
  for (const Field& resource : resources.items()) {
    const auto slash = resource.text().find('/');
    if (resource.empty()) resource.required();
    if (slash == std::string_view::npos) continue;
    const std::string_view name = resource.text().substr(0, slash);
    const std::string_view sub = resource.text().substr(slash + 1);
    if (with_all_subresources.contains(name)) {
      resource.invalid("if '" + std::string(name) + "/*' is present, must not specify " +
                       std::string(resource.text()));
    }
    if (of_all_resources.contains(sub)) {
      resource.invalid("if '*/" + std::string(sub) + "' is present, must not specify " +
                       std::string(resource.text()));
    }
    if (sub == "*") with_all_subresources.emplace(name);
    if (name == "*") of_all_resources.emplace(sub);
  }
  if (resources.size() > 1 && has(resources, "*/*")) {
    resources.invalid("if '*/*' is present, must not specify other resources");
  }
  if (!has(resources, "*")) return;
  // The last of them counts, as in Kubernetes.
  bool is_other_last = false;
  for (const Field& resource : resources.items()) {
    if (resource.empty() || resource.text().find('/') != std::string_view::npos) continue;
    is_other_last = !resource.is("*");
  }
  if (!is_other_last) return;
  resources.invalid("if '*' is present, must not specify other resources without subresources");
}

// The texts of Kubernetes, which writes types as their names at run time.
std::string written(const cel::Type& type) {
  std::string text(cel::runtime_name(type));
  for (std::size_t i = 0; i < type.parameters.size(); ++i) {
    text += (i == 0 ? "(" : ", ") + written(*type.parameters[i]);
  }
  return type.parameters.empty() ? text : text + ")";
}

struct Demand {
  Returns returns;
  std::string_view wanted;
  bool (*is_met)(const cel::Type&);
};
constexpr Demand kDemands[] = {
    {Returns::kAnything, "", [](const cel::Type&) { return true; }},
    {Returns::kBool, "bool",
     [](const cel::Type& type) { return type.kind == cel::TypeKind::kBool; }},
    {Returns::kText, "string",
     [](const cel::Type& type) { return type.kind == cel::TypeKind::kString; }},
    {Returns::kTextOrNull, "one of [string null_type]",
     [](const cel::Type& type) {
       return type.kind == cel::TypeKind::kString || type.kind == cel::TypeKind::kNull;
     }},
    {Returns::kObject, "Object", [](const cel::Type& type) { return written(type) == "Object"; }},
    {Returns::kPatches, "list(JSONPatch)",
     [](const cel::Type& type) { return written(type) == "list(JSONPatch)"; }},
};

}  // namespace

Result<cel::Program> validate_expression(const Field& place, std::string_view text,
                                         const cel::Environment& environment, Returns returns) {
  auto program = environment.compile(text);
  if (!program) {
    place.invalid(cel::compile_failure(program.error()));
    return program;
  }
  const Demand& demand = kDemands[static_cast<std::size_t>(returns)];
  const cel::Type& type = program->result_type();
  if (!demand.is_met(type)) {
    place.invalid("must evaluate to " + std::string(demand.wanted) + " but got " + written(type));
  }
  return program;
}

void validate_conditions(const Field& conditions, const cel::Environment& environment) {
  Texts names;
  if (conditions.size() > kMaxConditions) conditions.too_many(kMaxConditions);
  for (const Field& condition : conditions.items()) {
    const Field name = condition["name"];
    const Field expression = condition["expression"];
    const std::string_view text = trim(expression.text());
    if (text.empty()) {
      expression.required();
    } else {
      const api::Value shown = api::Value::string_ref(text);
      validate_expression(expression.with(&shown), text, environment, Returns::kBool);
    }
    if (name.require()) {
      name.each(api::check_qualified_name(name.text()));
      if (!names.emplace(name.text()).second) name.duplicate();
    }
  }
}

void validate_rule(const Field& rule) {
  const Field operations = rule["operations"];
  if (operations.empty()) operations.required();
  if (operations.size() > 1 && has(operations, "*")) {
    operations.invalid("if '*' is present, must not specify other operations");
  }
  for (const Field& operation : operations.items()) {
    if (operation.is_among({"*", "CREATE", "UPDATE", "DELETE", "CONNECT"})) continue;
    operation.not_supported({"*", "CONNECT", "CREATE", "DELETE", "UPDATE"});
  }
  validate_names(rule["apiGroups"]);
  validate_names(rule["apiVersions"]);
  for (const Field& version : rule["apiVersions"].items()) {
    if (version.empty()) version.required();
  }
  validate_resources(rule["resources"]);
  rule["scope"].one_of_if_set({"*", "Cluster", "Namespaced"});
}

namespace {

// -- Webhooks

void validate_webhook_name(const Field& name) {
  if (!name.require()) return;
  if (const auto wrong = api::check_dns1123_subdomain(name.text()); !wrong.empty()) {
    return name.invalid(join(wrong, ","));
  }
  if (std::count(name.text().begin(), name.text().end(), '.') < 2) {
    name.invalid("should be a domain with at least three segments separated by dots");
  }
}

// What an update asks of webhooks; what was there before may stay as it was.
struct Demands {
  bool no_side_effects = true;
  bool known_versions = true;
  bool unique_names = true;
  bool conditions = true;
};

bool has_no_side_effects(const Field& webhook) {
  return webhook["sideEffects"].is_among({"None", "NoneOnDryRun"});
}

bool has_known_version(const Field& webhook) {
  const Field versions = webhook["admissionReviewVersions"];
  return has(versions, "v1") || has(versions, "v1beta1");
}

bool have_unique_names(const std::vector<Field>& webhooks) {
  Texts names;
  return std::ranges::all_of(
      webhooks, [&](const Field& webhook) { return names.emplace(webhook["name"].text()).second; });
}

Demands demands_of(const std::vector<Field>& webhooks, const std::vector<Field>& old) {
  Demands demands;
  demands.no_side_effects = std::ranges::all_of(old, has_no_side_effects);
  demands.known_versions = std::ranges::all_of(old, [](const Field& webhook) {
    return webhook["admissionReviewVersions"].empty() || has_known_version(webhook);
  });
  demands.unique_names = have_unique_names(old);
  demands.conditions = !std::ranges::equal(webhooks, old, [](const Field& one, const Field& other) {
    return one["matchConditions"].same_as(other["matchConditions"].value());
  });
  return demands;
}

void validate_review_versions(const Field& webhook, const Demands& demands) {
  const Field versions = webhook["admissionReviewVersions"];
  if (versions.empty()) return versions.required("must specify one of v1, v1beta1");
  Texts seen;
  for (const Field& version : versions.items()) {
    if (!seen.emplace(version.text()).second) {
      version.invalid("duplicate version");
    } else {
      version.each(api::check_dns1035_label(version.text()));
    }
  }
  if (demands.known_versions && !has_known_version(webhook)) {
    versions.invalid("must include at least one of v1, v1beta1");
  }
}

void validate_side_effects(const Field& effects, bool allows_none_alone) {
  if (!effects.is_set()) {
    effects.required(allows_none_alone ? "must specify one of None, NoneOnDryRun"
                                       : "must specify one of None, NoneOnDryRun, Some, Unknown");
  } else if (allows_none_alone) {
    if (!effects.is_among({"None", "NoneOnDryRun"})) {
      effects.not_supported({"None", "NoneOnDryRun"});
    }
  } else if (!effects.is_among({"None", "NoneOnDryRun", "Some", "Unknown"})) {
    effects.not_supported({"None", "NoneOnDryRun", "Some", "Unknown"});
  }
}

void validate_webhook(const Field& webhook, const Demands& demands) {
  static const cel::Environment kEnvironment = cel::admission_environment({});
  validate_webhook_name(webhook["name"]);
  for (const Field& rule : webhook["rules"].items()) validate_rule(rule);
  webhook["failurePolicy"].one_of_if_set({"Fail", "Ignore"});
  webhook["matchPolicy"].one_of_if_set({"Equivalent", "Exact"});
  validate_side_effects(webhook["sideEffects"], demands.no_side_effects);
  const Field timeout = webhook["timeoutSeconds"];
  if (timeout.is_set() && (timeout.number() > kMaxTimeoutSeconds || timeout.number() < 1)) {
    timeout.invalid("the timeout value must be between 1 and 30 seconds");
  }
  validate_label_selector(webhook["namespaceSelector"]);
  validate_label_selector(webhook["objectSelector"]);
  webhook["reinvocationPolicy"].one_of_if_set({"IfNeeded", "Never"});
  validate_webhook_client(webhook["clientConfig"]);
  if (demands.conditions) validate_conditions(webhook["matchConditions"], kEnvironment);
}

void validate_webhooks(Change& change, const api::Value& object) {
  Demands demands;
  const std::vector<Field> webhooks = root(change, object)["webhooks"].items();
  if (change.old != nullptr) {
    demands = demands_of(webhooks, root(change, *change.old)["webhooks"].items());
  }
  // Which nobody asked for in the first version.
  if (change.call.resource->version == "v1beta1") {
    demands.no_side_effects = demands.known_versions = demands.unique_names = false;
  }
  Texts names;
  for (const Field& webhook : webhooks) {
    validate_webhook(webhook, demands);
    validate_review_versions(webhook, demands);
    const Field name = webhook["name"];
    if (!name.empty() && !names.emplace(name.text()).second && demands.unique_names) {
      name.duplicate();
    }
  }
}

}  // namespace

const Strategy kMutatingWebhooksStrategy{
    .storage_resource = "admissionregistration.k8s.io/mutatingwebhookconfigurations",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_webhooks,
};
const Strategy kValidatingWebhooksStrategy{
    .storage_resource = "admissionregistration.k8s.io/validatingwebhookconfigurations",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_webhooks,
};

}  // namespace pinnace::apiserver
