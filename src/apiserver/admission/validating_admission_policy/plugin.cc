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

// How checks went, by policy, binding, kind of error, and what was done about it.
class CheckMetrics {
 public:
  explicit CheckMetrics(metrics::Registry& registry)
      : total_(registry.counter("apiserver_validating_admission_policy_check_total",
                                "Checks of policies that were failed, or could not be made.",
                                kLabels)),
        seconds_(registry.histogram("apiserver_validating_admission_policy_check_duration_seconds",
                                    "Time that such checks took.", kSeconds, kLabels)) {}

  void count(const PolicyVisit& visit, const char* error, const char* action, Duration took) const {
    const std::vector<std::string> labels = {action, error, visit.policy.name, visit.binding.name};
    total_.with(labels).add();
    seconds_.with(labels).observe(std::chrono::duration<double>(took).count());
  }

 private:
  static inline const std::vector<std::string> kLabels = {"enforcement_action", "error_type",
                                                          "policy", "policy_binding"};
  static inline const std::vector<double> kSeconds = {0.0000005, 0.001, 0.01, 0.1, 1};
  metrics::Family<metrics::Series>& total_;
  metrics::Family<metrics::HistogramSeries>& seconds_;
};

struct ValidatingState final : PolicyState {
  explicit ValidatingState(Backend& backend)
      : PolicyState(backend.store(), "validating"), checks(backend.options.metrics) {}
  CheckMetrics checks;
};

Result<std::unique_ptr<PluginState>> configure(Backend& backend, const api::Value*) {
  return std::make_unique<ValidatingState>(backend);
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
  Judge(const AdmissionRequest& request, RequestView& view, const CheckMetrics& checks)
      : request_(request), view_(view), checks_(checks) {}

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
    began_ = clock().monotonic();
    if (!policy.conditions.empty()) {
      const auto matches = policy.conditions.match(**input);
      if (!matches) {
        object_unless_ignored(visit, 0, kInvalidError, matches.error().message, "");
      }
      if (!matches || !*matches) return {};
    }
    for (std::size_t i = 0; i < policy.validations.size(); ++i) {
      const Validation& validation = policy.validations[i];
      began_ = clock().monotonic();
      if (!validation.program) {
        object_unless_ignored(visit, i, kCompileError,
                              "compilation error: " + validation.program.error().message,
                              "Invalid");
        continue;
      }
      const auto outcome = (*input)->evaluate(*validation.program);
      if ((*input)->is_spent()) return spent(visit, "");
      if (outcome.is_true()) continue;
      if (outcome.value.is_false()) {
        std::string message = message_of(validation, **input);
        if ((*input)->is_spent()) return spent(visit, "failed messageExpression: ");
        object(visit, i, kNoError, std::move(message), validation.reason);
      } else {
        object_unless_ignored(
            visit, i, kInvalidError,
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
    object_unless_ignored(visit, 0, kOutOfBudget,
                          std::string(at_what) + std::string(cel::kOutOfBudget), "");
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

  const Clock& clock() const { return request_.change.backend.options.clock; }

  // A check that could not be made.
  void object_unless_ignored(const PolicyVisit& visit, std::size_t index, const char* error,
                             std::string message, const std::string& reason) {
    if (!visit.policy.ignores_failure) {
      return object(visit, index, error, std::move(message), reason);
    }
    checks_.count(visit, error, "allow", clock().monotonic() - began_);
  }

  // By the actions of the binding.
  void object(const PolicyVisit& visit, std::size_t index, const char* error, std::string message,
              const std::string& reason) {
    const auto count = [&, took = clock().monotonic() - began_](const char* action) {
      checks_.count(visit, error, action, took);
    };
    if (visit.binding.audits) count("audit");
    if (visit.binding.warns) count("warn");
    if (visit.binding.denies) count("deny");
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

  // Kinds of errors, as metrics say them.
  static constexpr char kNoError[] = "no_error", kCompileError[] = "compile_error",
                        kInvalidError[] = "invalid_error", kOutOfBudget[] = "out_of_budget";

  const AdmissionRequest& request_;
  RequestView& view_;
  const CheckMetrics& checks_;
  MonotonicTime began_;  // The check that is made.
  std::vector<Objection> denied_;
  // Several bindings may say different things under one key.
  std::map<std::string, std::set<std::string>> annotations_;
};

void apply_policies(const AdmissionRequestRef& request, AdmissionDone done) {
  auto& state = static_cast<ValidatingState&>(*request->state);
  auto policies = state.policies.current();
  if (policies->empty() || is_exempt_from_policies(*request)) return done({});
  const auto view = std::make_shared<RequestView>(*request);
  view->provide(
      request, versions_seen(*policies, *view),
      [request, policies, view, &checks = state.checks, done = std::move(done)](Result<void> ok) {
        if (!ok) return done(std::move(ok));
        done(Judge(*request, *view, checks).judge(*policies));
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
