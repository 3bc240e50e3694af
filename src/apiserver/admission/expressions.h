// What expressions of webhooks and policies may name, and what it stands for in one request.
//
// Variables: see cel/admission.h.
// Lifetime: an ExpressionInput belongs to one request, and lives as long as what was evaluated.
// Bounds: an expression costs at most kPerCallCostLimit, all of a request share a budget.
// Source: kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/admission/request_view.h"
#include "cel/admission.h"
#include "cel/authorizer.h"

namespace pinnace::apiserver {

// The request's user is who is asked about, unless an expression names a service account.
class RequestAuthorizer final : public cel::Authorizer {
 public:
  explicit RequestAuthorizer(const AdmissionRequest& request) : request_(request) {}
  cel::AuthorizationDecision authorize(const cel::AuthorizationQuery& query) override;

 private:
  const AdmissionRequest& request_;
};

class ExpressionInput {
 public:
  // In the form of `version`. Errors: those of the conversion.
  static Result<std::unique_ptr<ExpressionInput>> create(RequestView& view,
                                                         const api::ResourceInfo& version,
                                                         std::uint64_t budget);

  // Null for none. What policies add to the request.
  void set_params(const api::Value* params);
  void set_variables(const cel::Type& type, cel::LazyObject& variables) {
    values_[cel::kVariablesVariable] = cel::Value::lazy(type, variables);
  }
  void set_object(const api::Value& object) { values_[cel::kObjectVariable] = wrap(&object); }

  // Takes what it costs from the budget.
  cel::Outcome evaluate(const cel::Program& program);
  cel::Workspace& space() { return space_; }
  // That was not enough: no outcome counts any more.
  bool is_spent() const { return is_spent_; }

 private:
  explicit ExpressionInput(const AdmissionRequest& request) : authorizer_(request) {}
  cel::Value wrap(const api::Value* value, const cel::Type& type = cel::kDynType);

  cel::Workspace space_{16 << 10};
  RequestAuthorizer authorizer_;
  std::uint64_t budget_ = 0;
  bool is_spent_ = false;
  api::Value object_, old_, request_value_, namespace_, params_;
  std::array<cel::Value, cel::kAdmissionVariables> values_{};
};

// matchConditions of a webhook or policy.
class MatchConditions {
 public:
  static MatchConditions parse(const api::Value* conditions, const cel::Environment& environment);
  bool empty() const { return conditions_.empty(); }
  // Whether all hold; an error when one could not be evaluated and none is false.
  Result<bool> match(ExpressionInput& input) const;

 private:
  struct Condition {
    std::string name;
    Result<cel::Program> program;
  };
  std::vector<Condition> conditions_;
};

}  // namespace pinnace::apiserver
