// ValidatingAdmissionPolicy: expressions that an object must satisfy.
#include <map>
#include <set>

#include "api/json.h"
#include "apiserver/admission/audit_annotations.h"
#include "apiserver/admission/plugin_table.h"
#include "apiserver/admission/policies/policy.h"
#include "apiserver/backend.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxAnnotationBytes = 10 << 10;

// One thing that is wrong with the object, by one policy.
struct Objection {
  std::string policy, binding, message, reason;
};

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value*) {
  return std::make_unique<PolicyState>(backend.store(), "validating");
}

int code_of(std::string_view reason) {
  return reason == "Unauthorized"            ? 401
         : reason == "Forbidden"             ? 403
         : reason == "RequestEntityTooLarge" ? 413
                                             : 422;
}

// The message that an expression makes, unless it makes none that can be shown.
std::string message_of(const Validation& validation, ExpressionInput& input) {
  if (validation.message_program && *validation.message_program) {
    const auto made = input.evaluate(**validation.message_program);
    if (made.value.is(cel::Kind::kString)) {
      const std::string_view text = trim(made.value.as_text());
      const bool can_be_shown = !text.empty() && text.size() <= cel::kMaxMessageExpressionBytes &&
                                text.find('\n') == std::string_view::npos;
      if (can_be_shown) return std::string(text);
    }
  }
  if (!validation.message.empty()) return validation.message;
  return "failed expression: " + validation.expression;
}

class Judge {
 public:
  Judge(const AdmissionRequest& request, RequestView& view) : request_(request), view_(view) {}

  Result<void> judge(const Policies& policies) {
    auto ok = visit_policies(
        policies, view_, [&](const PolicyVisit& visit) { return evaluate(visit); },
        [&](const Policy& policy, const PolicyBinding* binding, const std::string& why) {
          if (policy.ignores_failure) return Result<void>();
          const bool of_binding = binding != nullptr;
          denied_.push_back(
              {policy.name, of_binding ? binding->name : "",
               (of_binding ? "failed to configure binding: " : "failed to configure policy: ") +
                   why,
               ""});
          return Result<void>();
        });
    publish();
    if (!ok) return ok;
    return denied_.empty() ? Result<void>() : refuse(denied_.front());
  }

 private:
  Result<void> evaluate(const PolicyVisit& visit) {
    const Policy& policy = visit.policy;
    auto input = ExpressionInput::create(view_, visit.version, cel::kRuntimeCostBudget);
    if (!input) return std::unexpected(std::move(input.error()));
    (*input)->set_params(visit.params);
    PolicyVariables variables(policy, **input);
    if (!policy.conditions.empty()) {
      const auto matches = policy.conditions.match(**input);
      if (!matches && !policy.ignores_failure) object(visit, 0, matches.error().message, "");
      if (!matches || !*matches) return {};
    }
    for (std::size_t i = 0; i < policy.validations.size(); ++i) {
      const Validation& validation = policy.validations[i];
      if (!validation.program) {
        if (!policy.ignores_failure) {
          object(visit, i, "compilation error: " + validation.program.error().message, "Invalid");
        }
        continue;
      }
      const auto outcome = (*input)->evaluate(*validation.program);
      if ((*input)->is_spent()) return spent(visit, "");
      if (outcome.is_true()) continue;
      if (outcome.value.is_false()) {
        std::string message = message_of(validation, **input);
        if ((*input)->is_spent()) return spent(visit, "failed messageExpression: ");
        object(visit, i, std::move(message), validation.reason);
      } else if (!policy.ignores_failure) {
        object(visit, i,
               "expression '" + validation.expression + "' resulted in error: " +
                   std::string(outcome.value.is_error() ? outcome.value.error_message()
                                                        : "the result is no boolean"),
               "Invalid");
      }
    }
    for (const AuditAnnotation& annotation : policy.audit_annotations) {
      take_annotation(visit, annotation, **input);
    }
    return {};
  }

  // Nothing that the policy says counts any more.
  Result<void> spent(const PolicyVisit& visit, std::string_view at_what) {
    if (!visit.policy.ignores_failure) {
      object(visit, 0, std::string(at_what) + std::string(cel::kOutOfBudget), "");
    }
    return {};
  }

  // What a policy wants to have in the audit log; an expression that fails is an objection.
  void take_annotation(const PolicyVisit& visit, const AuditAnnotation& annotation,
                       ExpressionInput& input) {
    std::string why;
    if (!annotation.program) {
      why = "compilation error: " + annotation.program.error().message;
    } else {
      const auto made = input.evaluate(*annotation.program);
      if (made.value.is(cel::Kind::kString)) {
        const std::string_view text = trim(made.value.as_text()).substr(0, kMaxAnnotationBytes);
        if (!text.empty()) annotations_[visit.policy.name + "/" + annotation.key].emplace(text);
        return;
      }
      if (made.value.is(cel::Kind::kNull)) return;
      why = made.value.is_error()
                ? "expression '" + annotation.expression +
                      "' resulted in error: " + std::string(made.value.error_message())
                : "valueExpression '" + annotation.expression +
                      "' resulted in unsupported return type. Return type must be either string "
                      "or null.";
    }
    if (visit.policy.ignores_failure) return;
    denied_.push_back({visit.policy.name, visit.binding.name, std::move(why), ""});
  }

  void publish() const {
    for (const auto& [key, values] : annotations_) {
      annotate_audit(request_, key, join({values.begin(), values.end()}, ", "));
    }
  }

  void note_failure(const PolicyVisit& visit, std::size_t index, std::string_view message) const {
    if (!is_audited(request_)) return;
    std::string text = R"([{"message":)";
    api::write_json_string(text, message);
    text += R"(,"policy":)";
    api::write_json_string(text, visit.policy.name);
    text += R"(,"binding":)";
    api::write_json_string(text, visit.binding.name);
    text += R"(,"expressionIndex":)" + std::to_string(index) + R"(,"validationActions":)" +
            visit.binding.actions + "}]";
    annotate_audit(request_, "validation.policy.admission.k8s.io/validation_failure", text);
  }

  // By the actions of the binding.
  void object(const PolicyVisit& visit, std::size_t index, std::string message,
              const std::string& reason) {
    if (visit.binding.audits) note_failure(visit, index, message);
    if (visit.binding.warns) {
      request_.change.call.warnings.push_back("Validation failed for ValidatingAdmissionPolicy '" +
                                              visit.policy.name + "' with binding '" +
                                              visit.binding.name + "': " + message);
    }
    if (visit.binding.denies) {
      denied_.push_back({visit.policy.name, visit.binding.name, std::move(message), reason});
    }
  }

  Result<void> refuse(const Objection& objection) const {
    std::string message = "ValidatingAdmissionPolicy '" + objection.policy + "'";
    if (!objection.binding.empty()) message += " with binding '" + objection.binding + "'";
    message += " denied request: " + objection.message;
    auto refused = admission_refusal(request_.change, message);
    Error& error = refused.error();
    error.reason = objection.reason.empty() ? "Invalid" : objection.reason;
    error.code = code_of(error.reason);
    error.causes.push_back({"", message, ""});
    return refused;
  }

  const AdmissionRequest& request_;
  RequestView& view_;
  std::vector<Objection> denied_;
  // Several bindings may say different things under one key.
  std::map<std::string, std::set<std::string>> annotations_;
};

void apply_policies(const AdmissionRequestRef& request, AdmissionDone done) {
  auto policies = static_cast<PolicyState&>(*request->state).policies.current();
  if (policies->empty() || is_exempt_from_policies(*request)) return done({});
  const auto view = std::make_shared<RequestView>(*request);
  view->provide(request, versions_seen(*policies, *view),
                [request, policies, view, done = std::move(done)](Result<void> ok) {
                  if (!ok) return done(std::move(ok));
                  done(Judge(*request, *view).judge(*policies));
                });
}

}  // namespace

constinit const AdmissionPlugin kValidatingAdmissionPolicy{.name = "ValidatingAdmissionPolicy",
                                                           .resources = "",
                                                           .subresources = "*",
                                                           .operations = kAnyOperation,
                                                           .validate_by_asking = apply_policies,
                                                           .configure = configure};

}  // namespace pinnace::apiserver
