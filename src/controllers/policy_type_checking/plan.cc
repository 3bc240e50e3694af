#include "controllers/policy_type_checking/plan.h"

#include <algorithm>

#include "base/strings.h"
#include "cel/admission.h"
#include "cel/schema_types.h"

namespace pinnace::controllers::policy_type_checking {
namespace {

std::vector<std::string> sorted(std::vector<std::string> names) {
  std::ranges::sort(names);
  return names;
}

bool has_wildcard(const std::vector<std::string>& names) {
  return std::ranges::any_of(names, [](const auto& name) { return name.contains('*'); });
}

const api::Value* version_of(const api::Value& definition, std::string_view version) {
  const api::Value* versions = definition.find_path({"spec", "versions"});
  if (versions == nullptr || !versions->is_array()) return nullptr;
  for (const api::Value& one : versions->items()) {
    if (one.string_at("name") == version && one.bool_at("served")) return &one;
  }
  return nullptr;
}

// One expression, and what is wrong with it for each type.
struct Checked {
  std::string place;
  const std::string& expression;
  std::vector<std::string> texts = {};
};

std::vector<Checked> expressions_of(const Policy& policy) {
  std::vector<Checked> all;
  std::size_t index = 0;
  for (const auto& validation : policy.spec.validations) {
    const std::string place = "spec.validations[" + std::to_string(index++) + "].";
    all.push_back({place + "expression", validation.expression});
    if (!validation.message_expression.empty()) {
      all.push_back({place + "messageExpression", validation.message_expression});
    }
  }
  return all;
}

void check_type(const Policy& policy, const KnownType& known, const cel::Type* params,
                std::vector<Checked>& all) {
  cel::VariableTypes variables;
  const cel::Environment environment =
      cel::admission_environment({.has_params = params != nullptr,
                                  .variables = &variables.type(),
                                  .object = known.type,
                                  .params = params != nullptr ? params : &cel::kDynType});
  for (const auto& variable : policy.spec.variables) {
    variables.add(variable.name, environment.compile(variable.expression));
  }
  const std::string name =
      known.kind.group + "/" + known.kind.version + ", Kind=" + known.kind.kind;
  for (Checked& one : all) {
    const auto program = environment.compile(one.expression);
    if (!program) one.texts.push_back(name + ": " + program.error().message + "\n");
  }
}

}  // namespace

std::vector<ResourceVersion> resources_of(
    const api::admissionregistration_v1::NamedRuleWithOperations& rule) {
  std::vector<ResourceVersion> all;
  if (has_wildcard(rule.api_groups) || has_wildcard(rule.api_versions)) return all;
  for (const auto& group : sorted(rule.api_groups)) {
    for (const auto& version : sorted(rule.api_versions)) {
      for (const auto& resource : sorted(rule.resources)) {
        if (resource.find_first_of("*/") != std::string::npos) continue;
        all.push_back({group, version, resource});
      }
    }
  }
  return all;
}

Kind param_kind_of(const Policy& policy) {
  const auto* kind = policy.spec.param_kind.get();
  if (kind == nullptr) return {};
  const auto slash = kind->api_version.find('/');
  if (slash == std::string::npos) return {"", kind->api_version, kind->kind};
  return {kind->api_version.substr(0, slash), kind->api_version.substr(slash + 1), kind->kind};
}

std::string served_kind(const api::Value& definition, std::string_view version) {
  const api::Value* names = definition.find_path({"spec", "names"});
  if (names == nullptr || version_of(definition, version) == nullptr) return {};
  return std::string(names->string_at("kind"));
}

const cel::Type* custom_type(cel::TypePool& types, const api::Value& definition,
                             std::string_view version) {
  const api::Value* served = version_of(definition, version);
  const api::Value* schema =
      served == nullptr ? nullptr : served->find_path({"schema", "openAPIV3Schema"});
  if (schema == nullptr) return nullptr;
  return cel::custom_kind_type(types, *schema, served_kind(definition, version));
}

std::vector<Warning> check(const Policy& policy, const std::vector<KnownType>& types,
                           const cel::Type* params) {
  std::vector<Checked> all = expressions_of(policy);
  for (const KnownType& known : types) check_type(policy, known, params, all);
  std::vector<Warning> warnings;
  for (Checked& one : all) {
    if (one.texts.empty()) continue;
    Warning& warning = warnings.emplace_back();
    warning.field_ref = std::move(one.place);
    warning.warning = join(one.texts, "\n");
  }
  return warnings;
}

}  // namespace pinnace::controllers::policy_type_checking
