// What calls cost, in cel-go's units: one table for the evaluator, which counts, and for the
// estimate, which bounds the count before anything runs.
//
// Units: 1 is about 50 ns of cel-go's time. Reading a variable or a field costs 1, a literal 0, a
//   list 10, a map 30, a message 40; these are with the evaluator and the estimator.
// Source: cel-go checker/cost.go and interpreter/runtimecost.go, and Kubernetes'
//   pkg/cel/library/cost.go, whose numbers are part of the API: they decide which rules a
//   CustomResourceDefinition may have.
#pragma once

#include <cstdint>
#include <string_view>

namespace pinnace::cel::internal {

enum class CostKind : std::uint8_t {
  kFixed,        // `amount`
  kDyn,          // dyn(x): 1, and x's sizes pass through.
  kArgument,     // Traversal of the argument behind the target, of the target at run time.
  kTarget,       // Traversal of the target; the result is as large.
  kParse,        // Traversal of argument 0, `amount` times; the result is as large if `sized`.
  kReplace,      // Twice the target.
  kSplit,        // Twice the target, into as many texts as characters.
  kJoin,         // The result, twice.
  kListWalk,     // Every item once, and texts' characters.
  kInList,       // Every item of argument 1.
  kCompare,      // The shorter one.
  kConcatenate,  // Both.
  kConcatenateList,
  kMatches,   // Text times pattern.
  kFind,      // The same, by the target's and the pattern's size.
  kContains,  // Text times text.
  kStringToBytes,
  kBytesToString,
  kQuote,
  kFormat,
  kContainsAddress,  // `amount`: 1 when the argument is a text that must be parsed.
  kContainsNetwork,
  kValidate,
  kSelector,
  kIndexList,
  kIndexMap,
  kSets,       // The product of both sizes, `amount` times, and 1.
  kListSlice,  // The lists that `slice`, `reverse`, `lists.range` make.
  kListRange,
  kListReverse,
  kListFlatten,
  kListDistinct,
  kListSort,
  kListSortBy,
};

struct CostRule {
  std::string_view function;
  std::string_view overload;  // "": all of the function's.
  CostKind kind;
  std::uint64_t amount = 1;
  bool sized = false;
};

inline constexpr double kTraversal = 0.1;     // For each character.
inline constexpr double kRegexLength = 0.25;  // For each character of a pattern.
inline constexpr std::uint64_t kListCost = 10, kMapCost = 30, kMessageCost = 40;

// The row for the overload, else that for the function, else "1".
const CostRule& find_cost_rule(std::string_view function, std::string_view overload);

}  // namespace pinnace::cel::internal
