// CostEstimate bounds what evaluating an expression may cost, before there is anything to evaluate.
//
// Why: a CustomResourceDefinition with a rule that could become too expensive is refused when it is
//   created; the numbers below are Kubernetes' and part of the API.
// Units: see internal/cost_rules.h.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinnace::cel {

struct CostEstimate {
  std::uint64_t min = 0;
  std::uint64_t max = 0;  // UINT64_MAX: no bound.
};

// What one evaluation may cost, and all that belong to one request.
inline constexpr std::uint64_t kPerCallCostLimit = 1'000'000;
inline constexpr std::uint64_t kRuntimeCostBudget = 10'000'000;
inline constexpr std::uint64_t kMatchConditionsCostBudget = 2'500'000;
// What is said once a budget is used up.
inline constexpr std::string_view kOutOfBudget =
    "validation failed due to running out of cost budget, no further validation rules will be run";
// What an expression of a CustomResourceDefinition may be estimated at, and all of one.
inline constexpr std::uint64_t kExpressionCostEstimateLimit = 10'000'000;
inline constexpr std::uint64_t kTotalCostEstimateLimit = 100'000'000;
// Characters of a message that an expression made.
inline constexpr std::uint64_t kMaxMessageExpressionBytes = 5 * 1024;

}  // namespace pinnace::cel
