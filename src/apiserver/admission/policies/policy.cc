#include "apiserver/admission/policies/policy.h"

#include <algorithm>

#include "api/json.h"
#include "apiserver/admission/pod_fields.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

void read_param_kind(const api::Value& spec, Policy& policy) {
  const auto* kind = spec.find("paramKind");
  if (kind == nullptr || !kind->is_object()) return;
  const std::string_view version = kind->string_at("apiVersion");
  const auto slash = version.find('/');
  policy.param_group = slash == std::string_view::npos ? "" : version.substr(0, slash);
  policy.param_version = slash == std::string_view::npos ? version : version.substr(slash + 1);
  policy.param_kind = kind->string_at("kind");
}

void read_variables(const api::Value& spec, const cel::Environment& environment, Policy& policy) {
  for (const auto& variable : items_at(&spec, "variables")) {
    const std::string_view name = variable.string_at("name");
    auto program = environment.compile(variable.string_at("expression"));
    policy.variable_types.add(name, program);
    policy.variables.push_back({std::string(name), std::move(program)});
  }
}

// Messages are made after the decision, and may not ask who may do what.
void read_validations(const api::Value& spec, cel::AdmissionScope scope, Policy& policy) {
  const cel::Environment environment = cel::admission_environment(scope);
  scope.has_authorizer = false;
  const cel::Environment of_messages = cel::admission_environment(scope);
  for (const auto& validation : items_at(&spec, "validations")) {
    Validation& made = policy.validations.emplace_back();
    made.expression = trim(validation.string_at("expression"));
    made.message = trim(validation.string_at("message"));
    made.reason = validation.string_at("reason");
    made.program = environment.compile(validation.string_at("expression"));
    const std::string_view message = validation.string_at("messageExpression");
    if (!message.empty()) made.message_program = of_messages.compile(message);
  }
}

void read_mutations(const api::Value& spec, const cel::Environment& environment, Policy& policy) {
  for (const auto& mutation : items_at(&spec, "mutations")) {
    const bool is_patch = mutation.string_at("patchType") == "JSONPatch";
    const auto* part = mutation.find(is_patch ? "jsonPatch" : "applyConfiguration");
    const std::string_view expression =
        part == nullptr ? std::string_view() : part->string_at("expression");
    policy.mutations.push_back(
        {is_patch, std::string(trim(expression)), environment.compile(expression)});
  }
}

std::unique_ptr<Policy> compile_policy(const api::Value& object, const std::string& name,
                                       bool mutates) {
  static const api::Value kNone = api::Value::object();
  auto policy = std::make_unique<Policy>();
  const auto* found = object.find("spec");
  const api::Value& spec = found == nullptr ? kNone : *found;
  policy->name = name;
  const auto* constraints = spec.find("matchConstraints");
  policy->constraints =
      parse_match_constraints(constraints == nullptr ? kNone : *constraints, "resourceRules");
  read_param_kind(spec, *policy);
  policy->ignores_failure = spec.string_at("failurePolicy") == "Ignore";
  policy->reinvokes = spec.string_at("reinvocationPolicy") == "IfNeeded";
  cel::AdmissionScope scope{.has_params = !policy->param_kind.empty()};
  policy->conditions =
      MatchConditions::parse(spec.find("matchConditions"), cel::admission_environment(scope));
  scope.makes_patches = mutates;
  scope.variables = &policy->variable_types.type();
  const cel::Environment environment = cel::admission_environment(scope);
  read_variables(spec, environment, *policy);
  read_validations(spec, scope, *policy);
  for (const auto& annotation : items_at(&spec, "auditAnnotations")) {
    const std::string_view expression = annotation.string_at("valueExpression");
    policy->audit_annotations.push_back({std::string(annotation.string_at("key")),
                                         std::string(trim(expression)),
                                         environment.compile(expression)});
  }
  read_mutations(spec, environment, *policy);
  return policy;
}

PolicyBinding compile_binding(const api::Value& spec, const std::string& name) {
  PolicyBinding binding;
  binding.name = name;
  if (const auto* resources = spec.find("matchResources");
      resources != nullptr && resources->is_object()) {
    auto constraints = parse_match_constraints(*resources, "resourceRules");
    if (constraints) binding.constraints = std::move(*constraints);
  }
  const auto* actions = spec.find("validationActions");
  binding.actions = actions == nullptr ? "[]" : api::to_json_text(*actions);
  for (const auto& action : items_at(&spec, "validationActions")) {
    if (!action.is_string()) continue;
    binding.denies = binding.denies || action.as_string() == "Deny";
    binding.warns = binding.warns || action.as_string() == "Warn";
    binding.audits = binding.audits || action.as_string() == "Audit";
  }
  const auto* reference = spec.find("paramRef");
  if (reference == nullptr || !reference->is_object()) return binding;
  binding.has_params = true;
  binding.param_name = reference->string_at("name");
  binding.param_namespace = reference->string_at("namespace");
  binding.denies_without_params = reference->string_at("parameterNotFoundAction") != "Allow";
  if (const auto* selector = reference->find("selector")) {
    binding.param_selector = api::label_selector_of(selector);
  }
  return binding;
}

}  // namespace

Policies PolicyState::compile(const store::Store& store, const std::string& prefix) {
  Policies out;
  const std::string kind = "admissionregistration.k8s.io/" + prefix + "admissionpolic";
  const auto policies = store.list(kind + "ies", "");
  const auto bindings = store.list(kind + "ybindings", "");
  if (!policies || !bindings) return out;
  std::map<std::string, std::vector<PolicyBinding>, std::less<>> by_policy;
  for (const auto& object : bindings->objects) {
    api::Arena arena;
    const auto parsed = parse_stored(arena, *object);
    const auto* spec = parsed ? parsed->find("spec") : nullptr;
    if (spec == nullptr) continue;
    by_policy[std::string(spec->string_at("policyName"))].push_back(
        compile_binding(*spec, object->key.name));
  }
  for (const auto& object : policies->objects) {
    const auto found = by_policy.find(object->key.name);
    if (found == by_policy.end()) continue;  // Nobody wants it.
    api::Arena arena;
    const auto parsed = parse_stored(arena, *object);
    if (!parsed) continue;
    auto policy = compile_policy(*parsed, object->key.name, prefix == "mutating");
    policy->bindings = std::move(found->second);
    out.push_back(std::move(policy));
  }
  return out;
}

bool PolicyVariables::has(std::string_view field) const {
  return std::ranges::any_of(policy_.variables,
                             [&](const Policy::Variable& one) { return one.name == field; });
}

cel::Value PolicyVariables::evaluate(const Policy::Variable& variable) {
  const auto failed = [&](std::string_view how, std::string_view why) {
    return cel::Value::error(input_.space(), "composited variable " + quoted(variable.name) + " " +
                                                 std::string(how) + ": " + std::string(why));
  };
  if (!variable.program) return failed("fails to compile", variable.program.error().message);
  const cel::Value value = input_.evaluate(*variable.program).value;
  return value.is_error() ? failed("fails to evaluate", value.error_message()) : value;
}

cel::Value PolicyVariables::get(std::string_view field) {
  for (std::size_t i = 0; i < policy_.variables.size(); ++i) {
    const Policy::Variable& variable = policy_.variables[i];
    if (variable.name != field) continue;
    if (known_[i]) return *known_[i];
    known_[i] = cel::Value::error("a variable cannot name itself");
    known_[i] = evaluate(variable);
    return *known_[i];
  }
  return cel::Value::error(input_.space(), "no such variable: " + std::string(field));
}

bool is_exempt_from_policies(const AdmissionRequest& request) {
  // Webhooks are as others to policies.
  struct Exempt {
    std::string_view group, resource;
  };
  static constexpr Exempt kExempt[] = {
      {"admissionregistration.k8s.io", "mutatingadmissionpolicies"},
      {"admissionregistration.k8s.io", "mutatingadmissionpolicybindings"},
      {"admissionregistration.k8s.io", "validatingadmissionpolicies"},
      {"admissionregistration.k8s.io", "validatingadmissionpolicybindings"},
      {"authentication.k8s.io", "selfsubjectreviews"},
      {"authentication.k8s.io", "tokenreviews"},
      {"authorization.k8s.io", "localsubjectaccessreviews"},
      {"authorization.k8s.io", "selfsubjectaccessreviews"},
      {"authorization.k8s.io", "selfsubjectrulesreviews"},
      {"authorization.k8s.io", "subjectaccessreviews"},
  };
  const api::ResourceInfo& asked = *request.change.call.resource;
  return std::ranges::any_of(kExempt, [&](const Exempt& each) {
    return asked.group == each.group && asked.name == each.resource;
  });
}

}  // namespace pinnace::apiserver
