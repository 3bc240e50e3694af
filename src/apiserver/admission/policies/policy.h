// A ValidatingAdmissionPolicy or MutatingAdmissionPolicy with its bindings, compiled.
//
// Errors: an expression that does not compile is kept as its Error and told when it is asked for.
// Source: admissionregistration.k8s.io/v1.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/compiled.h"
#include "apiserver/admission/expressions.h"
#include "apiserver/admission/matching.h"

namespace pinnace::apiserver {

using CompiledExpression = Result<cel::Program>;

struct PolicyBinding {
  std::string name;
  std::optional<MatchConstraints> constraints;
  bool denies = false, warns = false, audits = false;  // validationActions
  std::string actions;                                 // The same as JSON.
  // paramRef
  bool has_params = false;
  std::string param_name, param_namespace;
  Result<api::LabelSelector> param_selector;
  bool denies_without_params = false;
};

struct Validation {
  std::string expression, message, reason;
  CompiledExpression program = std::unexpected(Error{});
  std::optional<CompiledExpression> message_program;
};

struct AuditAnnotation {
  std::string key, expression;
  CompiledExpression program;
};

struct Mutation {
  bool is_json_patch = false;
  std::string expression;
  CompiledExpression program;
};

struct Policy {
  cel::VariableTypes variable_types;  // First, so that it outlives what was compiled with it.
  std::string name;
  Result<MatchConstraints> constraints;
  std::string param_group, param_version, param_kind;  // Empty kind: no params.
  bool ignores_failure = false;
  bool reinvokes = false;
  MatchConditions conditions;
  struct Variable {
    std::string name;
    CompiledExpression program;
  };
  std::vector<Variable> variables;
  std::vector<Validation> validations;
  std::vector<AuditAnnotation> audit_annotations;
  std::vector<Mutation> mutations;
  std::vector<PolicyBinding> bindings;
};
using Policies = std::vector<std::unique_ptr<const Policy>>;

struct PolicyState : PluginState {
  // "validating" or "mutating"
  PolicyState(store::Store& store, std::string prefix)
      : policies(store,
                 {"admissionregistration.k8s.io/" + prefix + "admissionpolicies",
                  "admissionregistration.k8s.io/" + prefix + "admissionpolicybindings"},
                 [prefix](const store::Store& from) {
                   return std::make_shared<const Policies>(compile(from, prefix));
                 }) {}
  static Policies compile(const store::Store& store, const std::string& prefix);
  Compiled<Policies> policies;
};

// `variables` of a policy: each is evaluated when it is first asked for.
class PolicyVariables final : public cel::LazyObject {
 public:
  PolicyVariables(const Policy& policy, ExpressionInput& input)
      : policy_(policy), input_(input), known_(policy.variables.size()) {
    input.set_variables(policy.variable_types.type(), *this);
  }
  bool has(std::string_view field) const override;
  cel::Value get(std::string_view field) override;

 private:
  cel::Value evaluate(const Policy::Variable& variable);

  const Policy& policy_;
  ExpressionInput& input_;
  std::vector<std::optional<cel::Value>> known_;
};

// Calls `visit(policy, binding, version, params)` for each that concerns the request; `params` are
// null where the policy has none. Stops at its first Error.
struct PolicyVisit {
  const Policy& policy;
  const PolicyBinding& binding;
  const api::ResourceInfo& version;
  const api::Value* params;
};
// What cannot be set up is told to `failed` instead; an Error that it gives ends the visits.
Result<void> visit_policies(const Policies& policies, RequestView& view,
                            const std::function<Result<void>(const PolicyVisit&)>& visit,
                            const std::function<Result<void>(const Policy&, const PolicyBinding*,
                                                             const std::string&)>& failed);

// The versions in which policies will want to see objects that a conversion webhook converts.
std::vector<const api::ResourceInfo*> versions_seen(const Policies& policies, RequestView& view);

// Questions about who may do what are asked without policies.
bool is_exempt_from_policies(const AdmissionRequest& request);

}  // namespace pinnace::apiserver
