// Evaluator walks a checked tree once, counting what it costs.
//
// Bounds: ends with an error when the cost exceeds the limit, when more than kMaxMemoryBytes have
//   been taken for results, or after kMaxSteps of walking through values.
// Source: the CEL language definition, "Evaluation"; cel-go interpreter/.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "cel/internal/ast.h"
#include "cel/internal/cost_rules.h"
#include "cel/value.h"

namespace pinnace::cel::internal {

inline constexpr std::size_t kMaxMemoryBytes = std::size_t{64} << 20;
inline constexpr std::uint64_t kMaxSteps = 50'000'000;

class Evaluator {
 public:
  Evaluator(Workspace& space, std::span<const Value> variables, std::uint32_t local_count,
            std::uint64_t cost_limit);

  Value run(const Expr& expr);
  std::uint64_t cost() const { return cost_; }
  bool is_cancelled() const { return cancelled_; }

 private:
  // A variable of a comprehension; an accumulator may be a list or map that grows.
  struct Local {
    Value value;
    Value* items = nullptr;
    std::size_t size = 0, capacity = 0;
    MapBuilder* map = nullptr;
  };

  Value evaluate(const Expr& expr);
  Value identifier(const Expr& expr);
  Value select(const Expr& expr);
  Value field(const Value& target, const Expr& expr, bool optional);
  Value without_parts(const Value& target, const Value& key, bool optional);
  Value call(const Expr& expr);
  Value special_call(const Expr& expr);
  Value invoke(const Expr& expr, const Value* arguments, std::size_t count);
  Value no_such_overload(const Expr& expr, const Value* arguments, std::size_t count);
  Value append(const Expr& expr);
  Value insert(const Expr& expr);
  Value optional_or(const Expr& expr);
  Value logical(const Expr& expr);
  Value conditional(const Expr& expr);
  // What stands as a key or on one side of a conditional: for the name that it begins with nothing
  // is charged.
  Value evaluate_part(const Expr& expr);
  Value list(const Expr& expr);
  Value map(const Expr& expr);
  Value message(const Expr& expr);
  Value not_optional(const std::string& entry, const Value& value);
  Value fold(const Expr& expr);
  bool fold_step(const Comprehension& parts);
  void charge(std::uint64_t cost);
  void check_resources();

  Workspace& space_;
  std::span<const Value> variables_;
  std::span<Local> locals_;
  std::uint64_t cost_ = 0;
  std::uint64_t cost_limit_;
  std::size_t bytes_at_start_;
  bool cancelled_ = false;
};

// What a call costs once its result is known.
std::uint64_t actual_cost(const Expr& expr, const CostRule& rule, Workspace& space,
                          const Value* arguments, std::size_t count, const Value& result);

}  // namespace pinnace::cel::internal
