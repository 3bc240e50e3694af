// MutatingAdmissionPolicy: expressions that make changes to an object, as a configuration that is
// applied or as a JSON patch.
#include "api/apply/check.h"
#include "api/apply/merge.h"
#include "api/apply/shape.h"
#include "api/json.h"
#include "api/json_patch.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/policies/policy.h"
#include "apiserver/backend.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kName = "MutatingAdmissionPolicy";

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value*) {
  return std::make_unique<PolicyState>(backend.store(), "mutating");
}

// An object with what the configuration says.
Result<api::Value> merged(const AdmissionRequest& request, const api::ResourceInfo& version,
                          const api::Value& object, const api::Value& configuration) {
  api::Arena& arena = request.change.arena;
  const api::TypeInfo* type = request.own_kind != nullptr ? request.own_kind->type : version.type;
  const auto shape = api::apply::Shape::of(*type);
  if (const auto fault = api::apply::find_fault(arena, shape, configuration)) {
    return errors::bad_request("invalid ApplyConfiguration: " + *fault);
  }
  auto result = api::apply::merge(arena, shape, object, configuration);
  if (!result) return result;
  return api::deep_copy(arena, *result);
}

class Mutator {
 public:
  explicit Mutator(AdmissionRequest& request)
      : request_(request),
        view_(request, RequestView::Others::kWithoutAsking),
        round_(request.reinvocation.rounds[kName]) {}

  Result<void> run(const Policies& policies) {
    if (request_.reinvocation.is_second && round_.last_output != output()) round_.require();
    auto ok = visit_policies(
        policies, view_, [&](const PolicyVisit& visit) { return enter(visit); },
        [&](const Policy& policy, const PolicyBinding* binding, const std::string& why) {
          if (policy.ignores_failure) return Result<void>();
          return refuse(policy, binding == nullptr ? "" : binding->name, why);
        });
    round_.last_output = output();
    return ok;
  }

 private:
  std::string output() const { return api::to_json_text(*request_.object); }

  Result<void> enter(const PolicyVisit& visit) {
    const std::string id = visit.policy.name + "/" + visit.binding.name;
    if (request_.reinvocation.is_second && round_.again.count(id) == 0) return {};
    auto ok = mutate(visit);
    if (!ok && !visit.policy.ignores_failure) {
      return refuse(visit.policy, visit.binding.name, ok.error().message);
    }
    if (visit.policy.reinvokes) round_.invoked.insert(id);
    return {};
  }

  Result<void> mutate(const PolicyVisit& visit) {
    const Policy& policy = visit.policy;
    for (std::size_t i = 0; i < policy.mutations.size(); ++i) {
      // Each sees what the one before it made.
      auto input = ExpressionInput::create(view_, visit.version, cel::kRuntimeCostBudget);
      if (!input) return std::unexpected(std::move(input.error()));
      (*input)->set_params(visit.params);
      PolicyVariables variables(policy, **input);
      if (i == 0 && !policy.conditions.empty()) {
        const auto matches = policy.conditions.match(**input);
        if (!matches) return std::unexpected(matches.error());
        if (!*matches) return {};
      }
      if (auto ok = change(visit, policy.mutations[i], **input); !ok) return ok;
    }
    return {};
  }

  Result<void> change(const PolicyVisit& visit, const Mutation& mutation, ExpressionInput& input) {
    if (!mutation.program) {
      return errors::bad_request("compilation error: " + mutation.program.error().message);
    }
    const auto outcome = input.evaluate(*mutation.program);
    if (outcome.value.is_error()) {
      return errors::bad_request("expression '" + mutation.expression + "' resulted in error: " +
                                 std::string(outcome.value.error_message()));
    }
    const auto made = cel::to_json(input.space(), outcome.value);
    if (!made) return std::unexpected(made.error());
    api::Arena& arena = request_.change.arena;
    const auto objects = view_.objects(visit.version);
    if (!objects) return std::unexpected(objects.error());
    api::Value object = api::deep_copy(arena, objects->object);
    const api::Value said = api::deep_copy(arena, *made);
    if (mutation.is_json_patch) {
      if (auto ok = api::apply_json_patch(arena, object, said); !ok) return ok;
    } else {
      auto result = merged(request_, visit.version, object, said);
      if (!result) return std::unexpected(std::move(result.error()));
      object = *result;
    }
    const std::string before = output();
    if (auto ok = take_changed(request_, object, visit.version); !ok) return ok;
    view_.forget_objects();
    if (before == output()) return {};
    round_.require();
    request_.reinvocation.is_wanted = true;
    return {};
  }

  Result<void> refuse(const Policy& policy, const std::string& binding,
                      const std::string& why) const {
    std::string message = "policy '" + policy.name + "'";
    if (!binding.empty()) message += " with binding '" + binding + "'";
    auto refused = admission_refusal(request_.change, message + " denied request: " + why);
    refused.error().reason = "Invalid";
    refused.error().code = 422;
    return refused;
  }

  AdmissionRequest& request_;
  RequestView view_;
  Reinvocation::Round& round_;
};

Result<void> apply_policies(AdmissionRequest& request) {
  const auto policies = static_cast<PolicyState&>(*request.state).policies.current();
  const bool has_object = request.object != nullptr && !request.is(Operation::kConnect);
  if (policies->empty() || !has_object || is_exempt_from_policies(request)) return {};
  return Mutator(request).run(*policies);
}

}  // namespace

constinit const AdmissionPlugin kMutatingAdmissionPolicy{.name = kName,
                                                         .resources = "",
                                                         .subresources = "*",
                                                         .operations = kWrites,
                                                         .mutate = apply_policies,
                                                         .configure = configure};

}  // namespace pinnace::apiserver
