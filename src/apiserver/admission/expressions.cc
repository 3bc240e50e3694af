#include "apiserver/admission/expressions.h"

#include "apiserver/admission/pod_fields.h"
#include "apiserver/authentication/service_account_user.h"
#include "apiserver/backend.h"
#include "cel/cost.h"

namespace pinnace::apiserver {
namespace {

// The parts of a namespace's metadata that expressions may see, and its spec and status.
api::Value shown_namespace(api::Arena& arena, const api::Value& ns) {
  api::Value copy = api::deep_copy(arena, ns);
  if (auto* meta = copy.find("metadata")) {
    for (const char* key : {"managedFields", "ownerReferences"}) meta->erase(key);
  }
  return copy;
}

User service_account(std::string_view ns, std::string_view name) {
  User user = service_account_user(ns, name);
  user.groups.emplace_back(kAuthenticated);
  return user;
}

}  // namespace

cel::AuthorizationDecision RequestAuthorizer::authorize(const cel::AuthorizationQuery& query) {
  Attributes wanted;
  wanted.verb = query.verb;
  wanted.is_resource = query.is_resource;
  wanted.path = query.path;
  wanted.group = query.group;
  wanted.resource = query.resource;
  wanted.subresource = query.subresource;
  wanted.ns = query.namespace_name;
  wanted.name = query.name;
  const Change& change = request_.change;
  const bool is_other = !query.service_account_name.empty();
  const User other =
      is_other ? service_account(query.service_account_namespace, query.service_account_name)
               : User();
  const auto decision =
      change.backend.authorization->decide(is_other ? other : change.call.user, wanted, true);
  if (!decision) return {false, "", "the answer has to be asked for elsewhere"};
  return {decision->verdict == Verdict::kAllow, decision->reason, decision->error};
}

cel::Value ExpressionInput::wrap(const api::Value* value, const cel::Type& type) {
  return value == nullptr || value->is_null() ? cel::Value::null()
                                              : cel::Value::json(space_, *value, type);
}

Result<std::unique_ptr<ExpressionInput>> ExpressionInput::create(RequestView& view,
                                                                 const api::ResourceInfo& version,
                                                                 std::uint64_t budget) {
  AdmissionRequest& request = view.request();
  const Change& change = request.change;
  auto objects = view.objects(version);
  if (!objects) return std::unexpected(std::move(objects.error()));
  std::unique_ptr<ExpressionInput> input(new ExpressionInput(request));
  input->budget_ = budget;
  input->object_ = objects->object;
  input->old_ = objects->old;
  input->request_value_ = view.describe(version);
  cel::AuthorizationQuery own;
  own.is_resource = true;
  own.group = change.call.resource->group;
  own.resource = change.call.resource->name;
  own.subresource = change.subresource;
  own.namespace_name = change.ns;
  own.name = change.name;
  auto& values = input->values_;
  values[cel::kObjectVariable] = input->wrap(&input->object_);
  values[cel::kOldObjectVariable] = input->wrap(&input->old_);
  values[cel::kRequestVariable] =
      input->wrap(&input->request_value_, cel::admission_request_type());
  values[cel::kAuthorizerVariable] = cel::authorizer_value(input->space_, input->authorizer_);
  values[cel::kRequestResourceVariable] =
      cel::resource_check_value(input->space_, input->authorizer_, own);
  if (const auto* ns = change.storage.namespaced ? view.namespace_object() : nullptr) {
    input->namespace_ = shown_namespace(change.arena, *ns);
    values[cel::kNamespaceVariable] = input->wrap(&input->namespace_, cel::namespace_type());
  }
  return input;
}

void ExpressionInput::set_params(const api::Value* params) {
  params_ = params == nullptr ? api::Value() : *params;
  values_[cel::kParamsVariable] = wrap(&params_);
}

cel::Outcome ExpressionInput::evaluate(const cel::Program& program) {
  const bool is_last = budget_ < cel::kPerCallCostLimit;
  auto outcome = program.evaluate(space_, values_, is_last ? budget_ : cel::kPerCallCostLimit);
  // What is too much for one call leaves the rest to others.
  if (outcome.cost > budget_ || (outcome.cancelled && is_last)) is_spent_ = true;
  budget_ -= std::min(budget_, outcome.cost);
  return outcome;
}

MatchConditions MatchConditions::parse(const api::Value* conditions,
                                       const cel::Environment& environment) {
  MatchConditions out;
  if (conditions == nullptr || !conditions->is_array()) return out;
  for (const auto& condition : conditions->items()) {
    out.conditions_.push_back({std::string(condition.string_at("name")),
                               environment.compile(condition.string_at("expression"))});
  }
  return out;
}

Result<bool> MatchConditions::match(ExpressionInput& input) const {
  std::vector<std::string> wrong;
  for (const Condition& condition : conditions_) {
    if (!condition.program) {
      wrong.push_back(cel::compile_failure(condition.program.error()));
      continue;
    }
    const cel::Outcome outcome = input.evaluate(*condition.program);
    if (input.is_spent()) return errors::internal(std::string(cel::kOutOfBudget));
    if (outcome.value.is_false()) return false;
    if (outcome.is_true()) continue;
    wrong.push_back("expression '" + std::string(condition.program->expression()) +
                    "' resulted in error: " +
                    std::string(outcome.value.is_error() ? outcome.value.error_message()
                                                         : "the result is no boolean"));
  }
  if (wrong.empty()) return true;
  return errors::internal(aggregate_text(wrong));
}

}  // namespace pinnace::apiserver
