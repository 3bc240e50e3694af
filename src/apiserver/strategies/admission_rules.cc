// Webhooks and admission policies: which requests they see and how they are asked.
#include <algorithm>
#include <set>

#include "apiserver/admission/expressions.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
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
  for (const Field& resource : resources.items()) {
    if (resource.text().find('/') != std::string_view::npos || resource.is("*")) continue;
    return resources.invalid(
        "if '*' is present, must not specify other resources without subresources");
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
  rule["scope"].one_of({"*", "Cluster", "Namespaced"});
}

void validate_conditions(const Field& conditions) {
  Texts names;
  if (conditions.size() > kMaxConditions) conditions.too_many(kMaxConditions);
  for (const Field& condition : conditions.items()) {
    const Field name = condition["name"];
    const Field expression = condition["expression"];
    if (trim(expression.text()).empty()) expression.required();
    if (name.require()) {
      name.each(api::check_qualified_name(name.text()));
      if (!names.emplace(name.text()).second) name.duplicate();
    }
  }
}

// -- Webhooks

void validate_compiles(const Field& expression) {
  static const cel::Environment kEnvironment = make_environment(ExpressionUse::kMatchConditions);
  if (trim(expression.text()).empty()) return;
  const auto program = kEnvironment.compile(expression.text());
  if (!program) {
    expression.invalid("compilation failed: " + program.error().message);
  } else if (program->result_type().kind != cel::TypeKind::kBool) {
    expression.invalid("must evaluate to bool");
  }
}

// https, with a host and nothing that would change from call to call.
void validate_url(const Field& url) {
  constexpr std::string_view kScheme = "https://";
  const std::string_view text = url.text();
  if (!text.starts_with(kScheme)) {
    return url.invalid(
        "'https' is the only allowed URL scheme; desired format: https://host[/path]");
  }
  const std::string_view rest = text.substr(kScheme.size());
  const std::string_view host = rest.substr(0, rest.find_first_of("/?#"));
  if (host.empty()) {
    url.invalid("host must be specified; desired format: https://host[/path]");
  }
  if (host.find('@') != std::string_view::npos) {
    url.invalid("user information is not permitted in the URL");
  }
  if (rest.find('#') != std::string_view::npos) {
    url.invalid("fragments are not permitted in the URL");
  }
  if (rest.find('?') != std::string_view::npos) {
    url.invalid("query parameters are not permitted in the URL");
  }
}

void validate_service_reference(const Field& service) {
  const Field path = service["path"];
  const Field port = service["port"];
  service["name"].require("service name is required");
  service["namespace"].require("service namespace is required");
  if (port.is_set() && !api::check_port_number(port.number()).empty()) {
    port.invalid("port is not valid: must be between 1 and 65535, inclusive");
  }
  if (path.text().empty() || path.is("/")) return;
  if (path.is("//")) return path.invalid("segment[0] may not be empty");
  if (!path.text().starts_with('/')) path.invalid("must start with a '/'");
  std::string_view steps = path.text().substr(1);
  if (steps.ends_with('/')) steps.remove_suffix(1);
  std::size_t index = 0;
  for (const std::string_view step : split(steps, '/')) {
    const std::string place = "segment[" + std::to_string(index++) + "]";
    if (step.empty()) {
      path.invalid(place + " may not be empty");
      continue;
    }
    for (const auto& text : api::check_dns1123_subdomain(step)) {
      path.invalid(place + ": " + text);
    }
  }
}

void validate_client(const Field& client) {
  const Field url = client["url"];
  const Field service = client["service"];
  if (url.is_set() == service.is_set()) {
    client.required("exactly one of url or service is required");
  } else if (url.is_set()) {
    validate_url(url);
  } else {
    validate_service_reference(service);
  }
}

void validate_webhook_name(const Field& name) {
  if (!name.require()) return;
  name.each(api::check_dns1123_subdomain(name.text()));
  if (std::count(name.text().begin(), name.text().end(), '.') < 2) {
    name.invalid("should be a domain with at least three segments separated by dots");
  }
}

void validate_webhook(const Field& webhook, bool is_first_version) {
  validate_webhook_name(webhook["name"]);
  const Field versions = webhook["admissionReviewVersions"];
  if (versions.empty()) {
    versions.required("must specify one of v1, v1beta1");
  } else if (!has(versions, "v1") && !has(versions, "v1beta1")) {
    versions.invalid("must include at least one of v1, v1beta1");
  }
  Texts seen;
  for (const Field& version : versions.items()) {
    version.each(api::check_dns1035_label(version.text()));
    if (!seen.emplace(version.text()).second) version.invalid("duplicate version");
  }
  for (const Field& rule : webhook["rules"].items()) validate_rule(rule);
  webhook["failurePolicy"].one_of({"Fail", "Ignore"});
  webhook["matchPolicy"].one_of({"Equivalent", "Exact"});
  webhook["reinvocationPolicy"].one_of({"IfNeeded", "Never"});
  const Field effects = webhook["sideEffects"];
  if (is_first_version)
    effects.one_of({"None", "NoneOnDryRun", "Some", "Unknown"});
  else if (!effects.is_set())
    effects.required("must specify one of None, NoneOnDryRun");
  else
    effects.one_of({"None", "NoneOnDryRun"});
  const Field timeout = webhook["timeoutSeconds"];
  if (timeout.is_set() && (timeout.number() > kMaxTimeoutSeconds || timeout.number() < 1)) {
    timeout.invalid("the timeout value must be between 1 and 30 seconds");
  }
  validate_label_selector(webhook["namespaceSelector"]);
  validate_label_selector(webhook["objectSelector"]);
  validate_client(webhook["clientConfig"]);
  const Field conditions = webhook["matchConditions"];
  validate_conditions(conditions);
  for (const Field& condition : conditions.items()) validate_compiles(condition["expression"]);
}

void validate_webhooks(Change& change, const api::Value& object) {
  Texts names;
  const bool is_first_version = change.call.resource->version == "v1beta1";
  for (const Field& webhook : root(change, object)["webhooks"].items()) {
    validate_webhook(webhook, is_first_version);
    const Field name = webhook["name"];
    if (!name.empty() && !names.emplace(name.text()).second && !is_first_version) {
      name.duplicate();
    }
  }
}

// -- Policies

void validate_match(const Field& match, bool needs_rules) {
  for (const char* selector : {"namespaceSelector", "objectSelector"}) {
    if (needs_rules && !match[selector].is_set()) match[selector].required();
    validate_label_selector(match[selector]);
  }
  if (needs_rules && match["resourceRules"].empty()) match["resourceRules"].required();
  for (const char* list : {"resourceRules", "excludeResourceRules"}) {
    for (const Field& rule : match[list].items()) {
      Texts names;
      validate_rule(rule);
      if (rule["resourceNames"].size() > 1 && has(rule["resourceNames"], "*")) {
        rule["resourceNames"].invalid("if '*' is present, must not specify other values");
      }
      for (const Field& name : rule["resourceNames"].items()) {
        name.each(api::check_path_segment_name(name.text()));
        if (!names.emplace(name.text()).second) name.duplicate();
      }
    }
  }
  match["matchPolicy"].one_of({"Equivalent", "Exact"});
}

void validate_param_kind(const Field& kind) {
  if (!kind.is_set()) return;
  const Field version = kind["apiVersion"];
  if (version.require() && split(version.text(), '/').size() > 2) {
    version.invalid("unexpected GroupVersion string: " + std::string(version.text()));
  }
  kind["kind"].require();
}

void validate_variables(const Field& variables) {
  Texts names;
  for (const Field& variable : variables.items()) {
    const Field name = variable["name"];
    if (!name.require("name is required")) continue;
    if (!api::check_c_identifier(name.text()).empty()) {
      name.invalid("name is not a valid CEL identifier");
    } else if (!names.emplace(name.text()).second) {
      name.duplicate();
    }
    variable["expression"].require("expression is not specified");
  }
}

void validate_validation(const Field& rule) {
  const Field message = rule["message"];
  const Field reason = rule["reason"];
  if (trim(rule["expression"].text()).empty()) {
    rule["expression"].required("expression is not specified");
  }
  if (message.is_set() && trim(message.text()).empty()) {
    message.invalid("message must be non-empty if specified");
  } else if (message.text().find('\n') != std::string_view::npos) {
    message.invalid("message must not contain line breaks");
  }
  if (reason.is_set()) {
    reason.one_of({"Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized"});
  }
}

void validate_policy_frame(const Field& spec) {
  spec["failurePolicy"].one_of({"Fail", "Ignore"});
  validate_param_kind(spec["paramKind"]);
  if (spec["matchConstraints"].is_set()) {
    validate_match(spec["matchConstraints"], true);
  } else {
    spec["matchConstraints"].required();
  }
  validate_conditions(spec["matchConditions"]);
  validate_variables(spec["variables"]);
}

void validate_validating_policy(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field rules = spec["validations"];
  const Field annotations = spec["auditAnnotations"];
  validate_policy_frame(spec);
  if (rules.empty() && annotations.empty()) {
    rules.required("validations or auditAnnotations must contain at least one item");
    annotations.required("validations or auditAnnotations must contain at least one item");
  }
  for (const Field& rule : rules.items()) validate_validation(rule);
  Texts keys;
  for (const Field& annotation : annotations.items()) {
    const Field key = annotation["key"];
    if (key.require()) {
      key.each(api::check_qualified_name(key.text()));
      if (!keys.emplace(key.text()).second) key.duplicate();
    }
    annotation["valueExpression"].require("valueExpression is not specified");
  }
}

void validate_mutating_policy(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field mutations = spec["mutations"];
  validate_policy_frame(spec);
  if (mutations.empty()) mutations.required("mutations must contain at least one item");
  for (const Field& mutation : mutations.items()) {
    const Field type = mutation["patchType"];
    if (type.require()) type.one_of({"ApplyConfiguration", "JSONPatch"});
    const Field patch = mutation["jsonPatch"];
    const Field apply = mutation["applyConfiguration"];
    const Field& wanted = type.is("JSONPatch") ? patch : apply;
    const Field& other = type.is("JSONPatch") ? apply : patch;
    if (!wanted.is_set()) {
      wanted.required("must be specified when patchType is " + std::string(type.text()));
    } else if (trim(wanted["expression"].text()).empty()) {
      wanted["expression"].required("expression is not specified");
    }
    if (other.is_set()) {
      other.invalid("must not be specified when patchType is " + std::string(type.text()));
    }
  }
  const Field again = spec["reinvocationPolicy"];
  if (again.require()) again.one_of({"IfNeeded", "Never"});
}

void validate_param_reference(const Field& reference) {
  if (!reference.is_set()) return;
  const Field name = reference["name"];
  const Field selector = reference["selector"];
  const Field missing = reference["parameterNotFoundAction"];
  if (!name.empty()) name.each(api::check_path_segment_name(name.text()));
  if (!name.empty() && selector.is_set()) {
    for (const Field& one : {name, selector})
      one.forbidden("name and selector are mutually exclusive");
  }
  validate_label_selector(selector);
  if (missing.is_set()) {
    missing.one_of({"Allow", "Deny"});
  } else {
    missing.required();
  }
  if (name.empty() && !selector.is_set()) {
    reference.required("one of name or selector must be specified");
  }
}

void validate_binding_frame(const Field& spec) {
  const Field policy = spec["policyName"];
  if (policy.require()) policy.each(api::check_dns1123_subdomain(policy.text()));
  validate_param_reference(spec["paramRef"]);
  if (spec["matchResources"].is_set()) validate_match(spec["matchResources"], false);
}

void validate_validating_binding(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field actions = spec["validationActions"];
  Texts seen;
  validate_binding_frame(spec);
  if (actions.empty()) actions.required();
  for (const Field& action : actions.items()) {
    action.one_of({"Audit", "Deny", "Warn"});
    if (!seen.emplace(action.text()).second) action.duplicate();
  }
  if (seen.contains("Deny") && seen.contains("Warn")) {
    actions.invalid(
        "must not contain both Deny and Warn (repeating the same validation failure "
        "information in the API response and headers serves no purpose)");
  }
}

void validate_mutating_binding(Change& change, const api::Value& object) {
  validate_binding_frame(root(change, object)["spec"]);
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
const Strategy kMutatingPolicyStrategy{
    .storage_resource = "admissionregistration.k8s.io/mutatingadmissionpolicies",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_mutating_policy,
};
const Strategy kMutatingBindingStrategy{
    .storage_resource = "admissionregistration.k8s.io/mutatingadmissionpolicybindings",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_mutating_binding,
};
const Strategy kValidatingPolicyStrategy{
    .storage_resource = "admissionregistration.k8s.io/validatingadmissionpolicies",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_validating_policy,
};
const Strategy kValidatingBindingStrategy{
    .storage_resource = "admissionregistration.k8s.io/validatingadmissionpolicybindings",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_validating_binding,
};

}  // namespace pinnace::apiserver
