// Expression is a CEL expression of a configuration file: over claims, a user or a review.
//
// Threads: any, once made. Errors: 400 for text that does not compile; an evaluation that fails
//   says why.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"
#include "cel/program.h"

namespace pinnace::apiserver {

class Expression {
 public:
  static Result<Expression> compile(std::string_view text,
                                    const std::vector<std::string>& variables);

  // `variables` in the order in which they were declared. The result lives in `arena`.
  Result<api::Value> evaluate(api::Arena& arena, std::span<const api::Value> variables) const;
  // As `evaluate`, for conditions: an Error for what is no boolean.
  Result<bool> holds(std::span<const api::Value> variables) const;
  std::string_view text() const { return program_.expression(); }

 private:
  explicit Expression(cel::Program program) : program_(std::move(program)) {}
  cel::Program program_;
};

}  // namespace pinnace::apiserver
