#include "cel/internal/cost_rules.h"

#include <algorithm>

namespace pinnace::cel::internal {
namespace {

constexpr std::uint64_t kAuthorizerCheck = 350'000;  // Two checks fit into one expression.

using enum CostKind;

constexpr CostRule kRules[] = {
    {"dyn", "", kDyn},
    {"startsWith", "", kArgument},
    {"endsWith", "", kArgument},
    {"bytes", "string_to_bytes", kStringToBytes},
    {"string", "bytes_to_string", kBytesToString},
    {"string", "string_to_string", kDyn},
    {"strings.quote", "", kQuote},
    {"format", "", kFormat},
    {"matches", "matches_string", kMatches},
    {"contains", "", kContains},
    {"@in", "in_list", kInList},
    {"_[_]", "index_list", kIndexList},
    {"_[_]", "index_map", kIndexMap},
    {"_+_", "add_string", kConcatenate},
    {"_+_", "add_bytes", kConcatenate},
    {"_+_", "add_list", kConcatenateList},
    {"_==_", "", kCompare},
    {"_!=_", "", kCompare},
    {"_<_", "less_string", kCompare},
    {"_<_", "less_bytes", kCompare},
    {"_<=_", "less_equals_string", kCompare},
    {"_<=_", "less_equals_bytes", kCompare},
    {"_>_", "greater_string", kCompare},
    {"_>_", "greater_bytes", kCompare},
    {"_>=_", "greater_equals_string", kCompare},
    {"_>=_", "greater_equals_bytes", kCompare},

    {"lowerAscii", "", kTarget},
    {"upperAscii", "", kTarget},
    {"substring", "", kTarget},
    {"trim", "", kTarget},
    {"replace", "", kReplace},
    {"split", "", kSplit},
    {"join", "", kJoin},

    {"sets.contains", "", kSets, 1},
    {"sets.intersects", "", kSets, 1},
    {"sets.equivalent", "", kSets, 2},
    {"slice", "", kListSlice},
    {"lists.range", "", kListRange},
    {"reverse", "list_reverse", kListReverse},
    {"flatten", "", kListFlatten},
    {"distinct", "", kListDistinct},
    {"sort", "", kListSort},
    {"@sortByAssociatedKeys", "", kListSortBy},

    {"isSorted", "", kListWalk},
    {"sum", "", kListWalk},
    {"min", "", kListWalk},
    {"max", "", kListWalk},
    {"indexOf", "", kListWalk},
    {"lastIndexOf", "", kListWalk},
    {"find", "", kFind},
    {"findAll", "", kFind},
    {"url", "", kParse, 1, true},
    {"jsonpatch.escapeKey", "", kParse, 1, true},
    {"quantity", "", kParse},
    {"isQuantity", "", kParse},
    {"semver", "", kParse},
    {"isSemver", "", kParse},
    {"cidr", "", kParse},
    {"isCIDR", "", kParse},
    {"isIP", "", kParse},
    {"ip", "string_to_ip", kParse},
    {"ip.isCanonical", "", kParse, 2},
    {"containsIP", "cidr_contains_ip_ip", kContainsAddress, 0},
    {"containsIP", "cidr_contains_ip_string", kContainsAddress, 1},
    {"containsCIDR", "cidr_contains_cidr", kContainsNetwork, 0},
    {"containsCIDR", "cidr_contains_cidr_string", kContainsNetwork, 1},
    {"validate", "", kValidate},
    {"check", "", kFixed, kAuthorizerCheck},
    {"fieldSelector", "", kSelector},
    {"labelSelector", "", kSelector},
};
constexpr CostRule kOne{"", "", kFixed, 1};

}  // namespace

const CostRule& find_cost_rule(std::string_view function, std::string_view overload) {
  const CostRule* best = &kOne;
  for (const CostRule& rule : kRules) {
    if (rule.function != function) continue;
    if (rule.overload == overload) return rule;
    if (rule.overload.empty()) best = &rule;
  }
  return *best;
}

}  // namespace pinnace::cel::internal
