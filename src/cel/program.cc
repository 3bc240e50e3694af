#include "cel/program.h"

#include <algorithm>
#include <utility>

#include "cel/internal/evaluator.h"
#include "cel/internal/program_data.h"

namespace pinnace::cel {

Program::Program(std::shared_ptr<const internal::ProgramData> data) : data_(std::move(data)) {}

Outcome Program::evaluate(Workspace& space, std::span<const Value> variables,
                          std::uint64_t cost_limit) const {
  internal::Evaluator evaluator(space, variables, data_->local_count, cost_limit);
  Outcome outcome;
  outcome.value = evaluator.run(*data_->root);
  outcome.cost = evaluator.cost();
  outcome.cancelled = evaluator.is_cancelled();
  return outcome;
}

std::string_view Program::expression() const { return data_->text; }
const Type& Program::result_type() const { return *data_->root->type; }
CostEstimate Program::cost_estimate() const { return data_->estimate; }

bool Program::references(std::string_view variable) const {
  return std::ranges::find(data_->variables, variable) != data_->variables.end();
}

}  // namespace pinnace::cel
