// Program is an expression that was parsed, checked and prepared: made once, evaluated many times.
//
// Lifetime: a handle; copies share what is immutable. The TypePools of the Environment's variables
//   must outlive it.
// Threads: any number may evaluate at once, each with a Workspace of its own.
// Errors: an evaluation that fails gives a Value of kind kError, never a Result: expressions handle
//   errors themselves (`false && 1/0 > 0`), and so do those who ask.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "cel/cost.h"
#include "cel/types.h"
#include "cel/value.h"

namespace pinnace::cel {

namespace internal {
struct ProgramData;
}

struct Outcome {
  Value value;  // May refer to the Program's constants and to the variables.
  std::uint64_t cost = 0;
  // The cost (or the memory) exceeded its limit. No `&&` or `||` hides that.
  bool cancelled = false;

  bool is_true() const { return value.is_true(); }
};

class Program {
 public:
  explicit Program(std::shared_ptr<const internal::ProgramData> data);

  // `variables` in the order in which the Environment declares them.
  Outcome evaluate(Workspace& space, std::span<const Value> variables,
                   std::uint64_t cost_limit = kPerCallCostLimit) const;

  std::string_view expression() const;
  const Type& result_type() const;
  CostEstimate cost_estimate() const;
  // Whether the expression names the variable anywhere.
  bool references(std::string_view variable) const;

 private:
  std::shared_ptr<const internal::ProgramData> data_;
};

}  // namespace pinnace::cel
