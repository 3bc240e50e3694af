// Admission policies and their bindings: which requests they see, and expressions that compile.
#include <set>

#include "api/json.h"
#include "api/json_path.h"
#include "apiserver/strategies/admission_rules.h"
#include "apiserver/strategies/shared.h"
#include "apiserver/strategies/strategies.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxAnnotations = 20;
constexpr std::size_t kMaxAnnotationExpressionBytes = 5 * 1024;
using Texts = std::set<std::string, std::less<>>;

bool has_line_breaks(std::string_view text) {
  return text.find_first_of("\n\r") != std::string_view::npos;
}

// -- Which requests

void validate_match(const Field& match) {
  match["matchPolicy"].one_of_if_set({"Equivalent", "Exact"});
  for (const char* selector : {"namespaceSelector", "objectSelector"}) {
    validate_label_selector(match[selector]);
  }
  for (const char* list : {"resourceRules", "excludeResourceRules"}) {
    for (const Field& rule : match[list].items()) {
      Texts names;
      for (const Field& name : rule["resourceNames"].items()) {
        name.each(api::check_path_segment_name(name.text()));
        if (!names.emplace(name.text()).second) name.duplicate();
      }
      validate_rule(rule);
    }
  }
}

void validate_param_kind(const Field& param_kind) {
  if (!param_kind.is_set()) return;
  const Field api_version = param_kind["apiVersion"];
  if (api_version.require()) {
    const auto parts = split(api_version.text(), '/');
    const std::string_view group = parts.size() > 1 ? parts[0] : std::string_view();
    const std::string_view version = parts.back();
    if (parts.size() > 2) {
      api_version.invalid("unexpected GroupVersion string: " + std::string(api_version.text()));
    } else {
      const api::Value of_group = api::Value::string_ref(group);
      const api::Value of_version = api::Value::string_ref(version);
      if (const auto wrong = api::check_dns1123_subdomain(group);
          !group.empty() && !wrong.empty()) {
        api_version.with(&of_group).invalid(join(wrong, ","));
      }
      if (version.empty()) {
        api_version.invalid("version must be specified");
      } else if (const auto bad = api::check_dns1035_label(version); !bad.empty()) {
        api_version.with(&of_version).invalid(join(bad, ","));
      }
    }
  }
  const Field kind = param_kind["kind"];
  if (!kind.require()) return;
  const auto wrong = api::check_dns1035_label(to_lower(kind.text()));
  if (!wrong.empty()) {
    kind.invalid("may have mixed case, but should otherwise match: " + join(wrong, ","));
  }
}

// -- Expressions

bool is_cel_identifier(std::string_view name) {
  static const Texts kReserved = {"true",   "false",    "null", "in",      "as",        "break",
                                  "const",  "continue", "else", "for",     "function",  "if",
                                  "import", "let",      "loop", "package", "namespace", "return",
                                  "var",    "void",     "while"};
  return api::check_c_identifier(name).empty() && !kReserved.contains(name);
}

void validate_variables(const Field& variables, const cel::Environment& environment,
                        cel::VariableTypes& types) {
  Texts names;
  for (const Field& variable : variables.items()) {
    const Field name = variable["name"];
    const Field expression = variable["expression"];
    if (trim(name.text()).empty()) {
      name.required("name is not specified");
    } else if (!is_cel_identifier(name.text())) {
      name.invalid("must be a valid CEL identifier");
    } else if (!names.emplace(name.text()).second) {
      name.duplicate();
    }
    if (trim(expression.text()).empty()) {
      expression.required("expression is not specified");
    } else {
      types.add(name.text(), validate_expression(expression, expression.text(), environment,
                                                 Returns::kAnything));
    }
  }
}

void validate_required_expression(const Field& expression, const cel::Environment& environment,
                                  Returns returns) {
  if (trim(expression.text()).empty()) {
    expression.required("expression is not specified");
  } else {
    validate_expression(expression, expression.text(), environment, returns);
  }
}

void validate_validation(const Field& rule, const cel::Environment& environment,
                         const cel::Environment& of_messages) {
  validate_required_expression(rule["expression"], environment, Returns::kBool);
  const Field made = rule["messageExpression"];
  if (!made.empty() && trim(made.text()).empty()) {
    made.invalid("must be non-empty if specified");
  } else if (!made.empty()) {
    validate_expression(made, made.text(), of_messages, Returns::kText);
  }
  const Field message = rule["message"];
  if (!message.empty() && trim(message.text()).empty()) {
    message.invalid("message must be non-empty if specified");
  } else if (has_line_breaks(trim(message.text()))) {
    message.invalid("message must not contain line breaks");
  }
  const Field reason = rule["reason"];
  if (reason.is_set() && !reason.is_among({"Forbidden", "Invalid", "RequestEntityTooLarge"})) {
    reason.not_supported({"Forbidden", "Invalid", "RequestEntityTooLarge"});
  }
}

void validate_annotations(const Field& annotations, std::string_view policy_name,
                          const cel::Environment& environment) {
  if (annotations.size() > kMaxAnnotations) {
    annotations.invalid("must not have more than 20 auditAnnotations");
  }
  Texts keys;
  for (const Field& annotation : annotations.items()) {
    const Field key = annotation["key"];
    const Field expression = annotation["valueExpression"];
    const std::string_view text = trim(expression.text());
    if (policy_name.empty()) {
      key.invalid("requires metadata.name be non-empty");
    } else {
      // As it stands in the audit log.
      const std::string whole = std::string(policy_name) + "/" + std::string(key.text());
      const api::Value shown = api::Value::string_ref(whole);
      key.with(&shown).each(api::check_qualified_name(whole));
    }
    if (text.empty()) {
      expression.required("valueExpression is not specified");
    } else if (text.size() > kMaxAnnotationExpressionBytes) {
      expression.required("must not exceed 5120 bytes in length");
    } else {
      validate_expression(expression, text, environment, Returns::kTextOrNull);
    }
    if (!keys.emplace(key.text()).second) key.duplicate();
  }
}

void validate_mutation(const Field& mutation, const cel::Environment& environment) {
  const Field type = mutation["patchType"];
  if (!type.require() || !type.one_of({"ApplyConfiguration", "JSONPatch"})) return;
  const bool is_patch = type.is("JSONPatch");
  const Field patch = mutation["jsonPatch"];
  const Field apply = mutation["applyConfiguration"];
  const Field& wanted = is_patch ? patch : apply;
  const Field& other = is_patch ? apply : patch;
  if (!wanted.is_set()) {
    wanted.required("must be specified when patchType is " + std::string(type.text()));
  } else if (trim(wanted["expression"].text()).empty()) {
    wanted["expression"].required();
  } else {
    validate_expression(wanted["expression"], wanted["expression"].text(), environment,
                        is_patch ? Returns::kPatches : Returns::kObject);
  }
  if (other.is_set()) {
    other.invalid_value(is_patch ? "\"{applyConfiguration}\"" : "\"{jsonPatch}\"",
                        "must not be specified when patchType is " + std::string(type.text()));
  }
}

// -- Policies

// What is deleted cannot be changed any more.
void validate_mutable_operations(const Field& match) {
  const Field rules = match["resourceRules"];
  for (const Field& rule : rules.items()) {
    for (const Field& operation : rule["operations"].items()) {
      if (operation.is_among({"*", "CONNECT", "CREATE", "UPDATE"})) continue;
      operation.as(rules["operations"]).not_supported({"*", "CONNECT", "CREATE", "UPDATE"});
    }
  }
}

// What both kinds of policies have; gives the scope of their own expressions.
cel::AdmissionScope validate_frame(Change& change, const Field& spec, cel::VariableTypes& variables,
                                   bool makes_patches) {
  cel::AdmissionScope scope{.has_params = spec["paramKind"].is_set()};
  spec["failurePolicy"].one_of_if_set({"Fail", "Ignore"});
  validate_param_kind(spec["paramKind"]);
  const Field match = spec["matchConstraints"];
  if (match.is_set()) {
    validate_match(match);
    if (match["resourceRules"].empty()) match["resourceRules"].required();
    if (makes_patches) validate_mutable_operations(match);
  } else {
    match.required();
  }
  const Field conditions = spec["matchConditions"];
  bool is_as_before = false;  // Then it was right once, and may stay.
  if (change.old != nullptr) {
    const Field before = root(change, *change.old)["spec"];
    is_as_before = spec["paramKind"].same_as(before["paramKind"].value()) &&
                   conditions.same_as(before["matchConditions"].value());
  }
  if (!is_as_before) validate_conditions(conditions, cel::admission_environment(scope));
  scope.makes_patches = makes_patches;
  if (!spec["variables"].empty()) scope.variables = &variables.type();
  validate_variables(spec["variables"], cel::admission_environment(scope), variables);
  return scope;
}

void validate_validating_policy(Change& change, const api::Value& object) {
  const Field whole = root(change, object);
  const Field spec = whole["spec"];
  const Field rules = spec["validations"];
  const Field annotations = spec["auditAnnotations"];
  cel::VariableTypes variables;
  cel::AdmissionScope scope = validate_frame(change, spec, variables, false);
  if (rules.empty() && annotations.empty()) {
    rules.required("validations or auditAnnotations must contain at least one item");
    annotations.required("validations or auditAnnotations must contain at least one item");
    return;
  }
  const cel::Environment environment = cel::admission_environment(scope);
  scope.has_authorizer = false;
  const cel::Environment of_messages = cel::admission_environment(scope);
  for (const Field& rule : rules.items()) validate_validation(rule, environment, of_messages);
  validate_annotations(annotations, whole["metadata"]["name"].text(), environment);
}

void validate_mutating_policy(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field mutations = spec["mutations"];
  cel::VariableTypes variables;
  const cel::AdmissionScope scope = validate_frame(change, spec, variables, true);
  const cel::Environment environment = cel::admission_environment(scope);
  if (mutations.empty()) mutations.required("mutations must contain at least one item");
  for (const Field& mutation : mutations.items()) validate_mutation(mutation, environment);
  const Field again = spec["reinvocationPolicy"];
  if (again.require()) again.one_of({"IfNeeded", "Never"});
}

void validate_policy_status(Change& change, const api::Value& object, const api::Value&) {
  const Field status = root(change, object)["status"];
  for (const Field& warning : status["typeChecking"]["expressionWarnings"].items()) {
    const Field place = warning["fieldRef"];
    const std::string_view text = trim(place.text());
    const std::string path = (text.starts_with('.') ? "" : ".") + std::string(text);
    warning["warning"].require();
    if (text.empty()) {
      place.required();
    } else if (const auto parsed = api::JsonPath::parse(path); !parsed) {
      place.invalid("invalid JSONPath: " + parsed.error().message);
    }
  }
}

// -- Bindings

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
  if (name.empty() && !selector.is_set()) {
    reference.required("one of name or selector must be specified");
  }
  if (missing.require()) missing.one_of({"Deny", "Allow"});
}

void validate_binding_frame(const Field& spec) {
  const Field policy = spec["policyName"];
  if (policy.require()) policy.each(api::check_dns1123_subdomain(policy.text()));
  validate_param_reference(spec["paramRef"]);
  if (spec["matchResources"].is_set()) validate_match(spec["matchResources"]);
}

void validate_validating_binding(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  const Field actions = spec["validationActions"];
  Texts seen;
  validate_binding_frame(spec);
  for (const Field& action : actions.items()) {
    if (!action.is_among({"Audit", "Deny", "Warn"})) {
      action.not_supported({"Audit", "Deny", "Warn"});
    }
    if (!seen.emplace(action.text()).second) action.duplicate();
  }
  if (seen.contains("Deny") && seen.contains("Warn")) {
    actions.invalid(
        "must not contain both Deny and Warn (repeating the same validation failure "
        "information in the API response and headers serves no purpose)");
  }
  if (actions.empty()) actions.required("at least one validation action is required");
}

void validate_mutating_binding(Change& change, const api::Value& object) {
  const Field spec = root(change, object)["spec"];
  validate_binding_frame(spec);
  validate_mutable_operations(spec["matchResources"]);
}

}  // namespace

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
    .validate_status = validate_policy_status,
};
const Strategy kValidatingBindingStrategy{
    .storage_resource = "admissionregistration.k8s.io/validatingadmissionpolicybindings",
    .has_generation = true,
    .must_name_revision = true,
    .validate = validate_validating_binding,
};

}  // namespace pinnace::apiserver
