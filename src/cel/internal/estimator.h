// Estimator bounds the cost of a checked tree from the bounds of the types that it reads.
//
// Source: cel-go checker/cost.go; k8s.io/apiserver/pkg/cel/library/cost.go.
#pragma once

#include <cstdint>

#include "cel/cost.h"
#include "cel/internal/ast.h"

namespace pinnace::cel::internal {

// `first` is the type of the first variable, or null where there is none.
CostEstimate estimate_cost(const Expr& expr, const Type* first, std::uint32_t local_count);

// Ranges of costs and of sizes: sums and products stop at the largest number.
struct Range {
  std::uint64_t min = 0, max = 0;

  static Range fixed(std::uint64_t value) { return {value, value}; }
  static Range unknown() { return {0, UINT64_MAX}; }
  Range operator+(const Range& other) const;
  Range operator*(const Range& other) const;
  Range scaled(double factor) const;  // rounded up
  Range united(const Range& other) const;
};

}  // namespace pinnace::cel::internal
