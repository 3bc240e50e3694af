#include "apiserver/authentication/expression.h"

#include "cel/environment.h"
#include "cel/value.h"

namespace pinnace::apiserver {

Result<Expression> Expression::compile(std::string_view text,
                                       const std::vector<std::string>& variables) {
  std::vector<cel::Environment::Variable> declared;
  for (const auto& name : variables) declared.push_back({.name = name});
  auto program = cel::Environment(std::move(declared)).compile(text);
  if (!program) {
    return errors::bad_request(cel::compile_failure(program.error()));
  }
  return Expression(std::move(*program));
}

Result<api::Value> Expression::evaluate(api::Arena& arena,
                                        std::span<const api::Value> variables) const {
  cel::Workspace space;
  std::vector<cel::Value> values;
  for (const auto& variable : variables) values.push_back(cel::Value::json(space, variable));
  const auto outcome = program_.evaluate(space, values);
  if (outcome.value.is_error()) {
    return errors::bad_request("expression '" + std::string(text()) + "' resulted in error: " +
                               std::string(outcome.value.error_message()));
  }
  auto json = cel::to_json(space, outcome.value);
  if (!json) return json;
  return api::deep_copy(arena, *json);
}

Result<bool> Expression::holds(std::span<const api::Value> variables) const {
  api::Arena arena;
  auto value = evaluate(arena, variables);
  if (!value) return std::unexpected(std::move(value.error()));
  if (!value->is_bool()) {
    return errors::bad_request("expression '" + std::string(text()) + "' must evaluate to a bool");
  }
  return value->as_bool();
}

}  // namespace pinnace::apiserver
