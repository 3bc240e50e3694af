// Workloads: what newer versions keep in annotations, and budgets whose empty selector changed its
// meaning.
#include <string>

#include "api/conversion.h"
#include "api/conversion_rules.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kRollbackTo = "deprecated.deployment.rollback.to";
constexpr std::string_view kEmptySelectorKey =
    "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";

Value empty_selector_match(Arena& arena, std::string_view op) {
  Value expression = Value::object();
  expression.add_ref(arena, "key", Value::string_ref(kEmptySelectorKey));
  expression.add_ref(arena, "operator", Value::string_ref(op));
  Value expressions = Value::array();
  expressions.append(arena, expression);
  Value selector = Value::object();
  selector.add_ref(arena, "matchExpressions", expressions);
  return selector;
}

// In v1beta1 the empty selector matches nothing, in v1 everything. Each version writes the other's
// meaning as an expression on a label that no pod has.
void swap_empty_selector(Arena& arena, Value& object, std::string_view empty_becomes,
                         std::string_view becomes_empty) {
  Value* selector = object.find_path({"spec", "selector"});
  if (selector == nullptr || !selector->is_object()) return;
  if (selector->empty()) {
    *selector = empty_selector_match(arena, empty_becomes);
  } else if (equal(*selector, empty_selector_match(arena, becomes_empty))) {
    *selector = Value::object();
  }
}

}  // namespace

Result<std::int64_t> annotated_number(const Value& annotation) {
  const std::string_view text = annotation.as_string();
  const auto number = parse_int(text);
  if (number) return *number;
  return errors::bad_request("strconv.ParseInt: parsing \"" + std::string(text) +
                             "\": invalid syntax");
}

Result<void> deployment_to_stored(Arena& arena, Value& object) {
  const Value* rollback = object.find_path({"spec", "rollbackTo"});
  if (rollback == nullptr || !rollback->is_object()) return {};
  set_annotation(arena, object, kRollbackTo, std::to_string(rollback->int_at("revision")));
  return {};
}

Result<void> deployment_from_stored(Arena& arena, Value& object) {
  const Value* annotation = find_annotation(object, kRollbackTo);
  if (annotation == nullptr) return {};
  auto revision = annotated_number(*annotation);
  if (!revision) return std::unexpected(std::move(revision.error()));
  Value rollback = Value::object();
  rollback.add_ref(arena, "revision", Value::integer(*revision));
  object.ensure_object(arena, "spec").set_ref(arena, "rollbackTo", rollback);
  erase_annotation(object, kRollbackTo);
  return {};
}

Result<void> daemon_set_to_stored(Arena& arena, Value& object) {
  const Value* generation = object.find_path({"spec", "templateGeneration"});
  if (generation == nullptr || !generation->is_int()) return {};
  set_annotation(arena, object, kTemplateGeneration, std::to_string(generation->as_int()));
  return {};
}

Result<void> daemon_set_from_stored(Arena& arena, Value& object) {
  const Value* annotation = find_annotation(object, kTemplateGeneration);
  if (annotation == nullptr) return {};
  auto generation = annotated_number(*annotation);
  if (!generation) return std::unexpected(std::move(generation.error()));
  object.ensure_object(arena, "spec")
      .set_ref(arena, "templateGeneration", Value::integer(*generation));
  erase_annotation(object, kTemplateGeneration);
  return {};
}

Result<void> disruption_budget_to_stored(Arena& arena, Value& object) {
  swap_empty_selector(arena, object, "Exists", "DoesNotExist");
  return {};
}

Result<void> disruption_budget_from_stored(Arena& arena, Value& object) {
  swap_empty_selector(arena, object, "DoesNotExist", "Exists");
  return {};
}

}  // namespace pinnace::api
