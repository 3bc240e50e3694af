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
#include "base/strings.h"

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
    return errors::bad_request(
        "error applying patch: failed to convert patch object to typed object: " + *fault);
  }
  const auto atomics = api::apply::find_atomics(arena, shape, configuration);
  if (!atomics.empty()) {
    return errors::bad_request(
        "error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or "
        "structs: " +
        join(atomics, ", "));
  }
  auto result = api::apply::merge(arena, shape, object, configuration);
  if (!result) return result;
  return api::deep_copy(arena, *result);
}

// One pass of the policies over one request.
class Mutator : public std::enable_shared_from_this<Mutator> {
 public:
  Mutator(AdmissionRequestRef request, std::shared_ptr<const Policies> policies, AdmissionDone done)
      : request_(std::move(request)),
        policies_(std::move(policies)),
        done_(std::move(done)),
        view_(*request_),
        round_(request_->reinvocation.rounds[kName]) {}

  void start() {
    if (request_->reinvocation.is_second && round_.last_output != output()) round_.require();
    auto ok = visit_policies(
        *policies_, view_,
        [&](const PolicyVisit& visit) {
          const api::Value* params = visit.params;
          steps_.push_back({&visit.policy, &visit.binding, &visit.version,
                            params == nullptr ? std::nullopt : std::optional(*params)});
          return Result<void>();
        },
        [&](const Policy& policy, const PolicyBinding* binding, const std::string& why) {
          if (policy.ignores_failure) return Result<void>();
          return refuse(policy, binding == nullptr ? "" : binding->name, why);
        });
    if (!ok) return end(std::move(ok));
    next();
  }

 private:
  // A policy that concerns the request, and which of its mutations comes next.
  struct Step {
    const Policy* policy;
    const PolicyBinding* binding;
    const api::ResourceInfo* version;
    std::optional<api::Value> params;
    std::size_t at = 0;

    std::string id() const { return policy->name + "/" + binding->name; }
  };

  std::string output() const { return api::to_json_text(*request_->object); }

  void end(Result<void> ok) {
    round_.last_output = output();
    done_(std::move(ok));
  }

  void next() {
    for (; at_ < steps_.size(); ++at_) {
      Step& step = steps_[at_];
      if (request_->reinvocation.is_second && !round_.again.contains(step.id())) continue;
      if (!run(step)) return;
      if (step.policy->reinvokes) round_.invoked.insert(step.id());
    }
    end({});
  }

  // False if the pass has ended, or goes on when a conversion webhook has answered.
  bool run(Step& step) {
    while (step.at < step.policy->mutations.size()) {
      if (!view_.is_provided(*step.version)) {
        provide(step);
        return false;
      }
      // Each sees what the one before it made.
      auto changed = evaluate(step);
      if (!changed) return fail(step, changed.error());
      if (!*changed) return true;
      if (auto ok = check_identity(*request_, **changed, *step.version); !ok) {
        end(std::move(ok));
        return false;
      }
      ++step.at;
      before_ = output();
      if (is_converted_by_webhook(*request_, *step.version)) {
        take_changed_by_asking(request_, **changed, *step.version,
                               [self = shared_from_this(), &step](const Result<void>& ok) {
                                 if (self->took(step, ok)) self->next();
                               });
        return false;
      }
      if (!took(step, take_changed(*request_, **changed, *step.version))) return false;
    }
    return true;
  }

  void provide(const Step& step) {
    view_.provide(request_, {step.version}, [self = shared_from_this()](Result<void> ok) {
      if (!ok) return self->end(std::move(ok));
      self->next();
    });
  }

  // False if that ends the request; else the policy is done with.
  bool fail(Step& step, const Error& why) {
    step.at = step.policy->mutations.size();
    if (step.policy->ignores_failure) return true;
    end(refuse(*step.policy, step.binding->name, why.message));
    return false;
  }

  bool took(Step& step, const Result<void>& ok) {
    if (!ok && step.policy->mutations[step.at - 1].is_json_patch) {
      end(undecodable(*request_, ok.error()));
      return false;
    }
    if (!ok) return fail(step, ok.error());
    view_.forget_objects();
    if (before_ == output()) return true;
    round_.require();
    request_->reinvocation.is_wanted = true;
    return true;
  }

  // The object as the step's next mutation has it; nothing if the policy's conditions are not met.
  Result<std::optional<api::Value>> evaluate(const Step& step) {
    const Policy& policy = *step.policy;
    auto input = ExpressionInput::create(view_, *step.version, cel::kRuntimeCostBudget);
    if (!input) return std::unexpected(std::move(input.error()));
    (*input)->set_params(step.params ? &*step.params : nullptr);
    PolicyVariables variables(policy, **input);
    if (step.at == 0 && !policy.conditions.empty()) {
      const auto matches = policy.conditions.match(**input);
      if (!matches) return std::unexpected(matches.error());
      if (!*matches) return std::nullopt;
    }
    return changed(step, policy.mutations[step.at], **input);
  }

  Result<std::optional<api::Value>> changed(const Step& step, const Mutation& mutation,
                                            ExpressionInput& input) {
    if (!mutation.program) {
      return errors::bad_request("compilation error: " + mutation.program.error().message);
    }
    const auto outcome = input.evaluate(*mutation.program);
    if (input.is_spent()) return errors::bad_request(std::string(cel::kOutOfBudget));
    if (outcome.value.is_error()) {
      return errors::bad_request("expression '" + mutation.expression + "' resulted in error: " +
                                 std::string(outcome.value.error_message()));
    }
    if (!mutation.is_json_patch) {
      const std::string wrong = cel::check_object_names(input.space(), outcome.value);
      if (!wrong.empty()) return errors::bad_request("type mismatch: " + wrong);
    }
    const auto made = cel::to_json(input.space(), outcome.value);
    if (!made) return std::unexpected(made.error());
    api::Arena& arena = request_->change.arena;
    const auto objects = view_.objects(*step.version);
    if (!objects) return std::unexpected(objects.error());
    api::Value object = api::deep_copy(arena, objects->object);
    const api::Value said = api::deep_copy(arena, *made);
    if (!mutation.is_json_patch) return merged(*request_, *step.version, object, said);
    if (auto ok = api::apply_json_patch(arena, object, said); !ok) {
      const Error& why = ok.error();
      // Then there is nothing to be done.
      if (api::is_failed_test(why)) return objects->object;
      return errors::bad_request("JSON Patch: " +
                                 (why.causes.empty() ? why.message : why.causes[0].message));
    }
    return object;
  }

  Result<void> refuse(const Policy& policy, const std::string& binding,
                      const std::string& why) const {
    std::string message = "policy '" + policy.name + "'";
    if (!binding.empty()) message += " with binding '" + binding + "'";
    message += " denied request: " + why;
    auto refused = admission_refusal(request_->change, message);
    Error& error = refused.error();
    error.reason = "Invalid";  // Of a 403, as Kubernetes has it.
    error.message = message;
    error.causes.push_back({"", std::move(message), ""});
    return refused;
  }

  const AdmissionRequestRef request_;
  const std::shared_ptr<const Policies> policies_;
  const AdmissionDone done_;
  RequestView view_;
  Reinvocation::Round& round_;
  std::vector<Step> steps_;
  std::size_t at_ = 0;
  std::string before_;  // The object before the mutation that is under way.
};

void apply_policies(const AdmissionRequestRef& request, AdmissionDone done) {
  auto policies = static_cast<PolicyState&>(*request->state).policies.current();
  const bool has_object = request->object != nullptr && !request->is(Operation::kConnect);
  if (policies->empty() || !has_object || is_exempt_from_policies(*request)) return done({});
  std::make_shared<Mutator>(request, std::move(policies), std::move(done))->start();
}

}  // namespace

constinit const AdmissionPlugin kMutatingAdmissionPolicy{.name = kName,
                                                         .resources = "",
                                                         .subresources = "*",
                                                         .operations = kWrites,
                                                         .mutate_by_asking = apply_policies,
                                                         .configure = configure};

}  // namespace pinnace::apiserver
