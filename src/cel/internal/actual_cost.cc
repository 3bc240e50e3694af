#include <algorithm>
#include <cmath>
#include <limits>

#include "cel/internal/evaluator.h"
#include "cel/internal/functions.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

std::uint64_t size_of(const Value& value) {
  switch (value.kind()) {
    case Kind::kString:
      return count_characters(value.as_text());
    case Kind::kBytes:
      return value.as_text().size();
    case Kind::kList:
      return value.list_size();
    case Kind::kMap:
    case Kind::kObject:
      return value.map_size();
    case Kind::kOptional:
      return value.as_optional() == nullptr ? 1 : size_of(*value.as_optional());
    case Kind::kOpaque:
      return value.as_opaque().size();
    default:
      return 1;
  }
}

std::uint64_t times(std::uint64_t size, double factor) {
  const double cost = std::ceil(static_cast<double>(size) * factor);
  return static_cast<std::uint64_t>(std::min(cost, 0x1p62));
}

std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  std::uint64_t product = 0;
  return __builtin_mul_overflow(a, b, &product) ? std::numeric_limits<std::uint64_t>::max() / 2
                                                : product;
}

// A walk through everything below a value.
std::uint64_t walk(Workspace& space, const Value& value) {
  std::uint64_t cost = 0;
  switch (value.kind()) {
    case Kind::kString:
    case Kind::kBytes:
      return static_cast<std::uint64_t>(static_cast<double>(value.as_text().size()) * kTraversal);
    case Kind::kList:
      for (std::size_t i = 0; i < value.list_size() && space.spend_step(); ++i) {
        cost += walk(space, value.item(space, i));
      }
      return cost;
    case Kind::kMap:
    case Kind::kObject:
      for (std::size_t i = 0; i < value.map_size() && space.spend_step(); ++i) {
        cost += walk(space, value.key(i)) + walk(space, value.value(space, i));
      }
      return cost;
    default:
      return 1;
  }
}

std::uint64_t matching(std::uint64_t text, std::uint64_t pattern) {
  return multiply(times(text + 1, kTraversal), times(pattern, kRegexLength));
}

// Lists that are made: their size, a call and the list.
std::uint64_t allocating(double factor, std::uint64_t size) {
  const double cost = static_cast<double>(size) * std::max(factor, 0.0);
  return static_cast<std::uint64_t>(std::min(cost, 0x1p62)) + 1 + kListCost;
}

std::uint64_t comparing_all(Workspace& space, const Value& list) {
  const std::uint64_t size = list.list_size();
  double factor = 2;
  if (size > 0) {
    const Kind kind = list.item(space, 0).kind();
    if (kind == Kind::kString || kind == Kind::kBytes) factor += kTraversal;
  }
  return allocating(factor, multiply(size, size));
}

}  // namespace

std::uint64_t actual_cost(const Expr&, const CostRule& rule, Workspace& space,
                          const Value* arguments, std::size_t count, const Value& result) {
  const auto size = [&](std::size_t index) {
    return index < count ? size_of(arguments[index]) : 1;
  };
  switch (rule.kind) {
    case CostKind::kFixed:
      return rule.amount;
    case CostKind::kDyn:
    case CostKind::kConcatenateList:
    case CostKind::kIndexList:
    case CostKind::kIndexMap:
      return 1;
    case CostKind::kArgument:
    case CostKind::kTarget:
    case CostKind::kStringToBytes:
    case CostKind::kBytesToString:
    case CostKind::kQuote:
    case CostKind::kFormat:
      return times(size(0), kTraversal);
    case CostKind::kParse:
      return times(size(0), static_cast<double>(rule.amount) * kTraversal);
    case CostKind::kReplace:
    case CostKind::kSplit:
      return times(size(0), 2 * kTraversal);
    case CostKind::kJoin:
      return times(size_of(result), 2 * kTraversal);
    case CostKind::kListWalk:
      return walk(space, arguments[0]);
    case CostKind::kInList:
      return size(1);
    case CostKind::kCompare:
      if (arguments[0].is(Kind::kOpaque)) return 1;
      return times(std::min(size(0), size(1)), kTraversal);
    case CostKind::kConcatenate:
      return times(size(0) + size(1), kTraversal);
    case CostKind::kMatches:
    case CostKind::kFind:
      return matching(size(0), size(1));
    case CostKind::kContains:
      return multiply(times(size(0), kTraversal), times(size(1), kTraversal));
    case CostKind::kContainsAddress:
      return times(2 * size(0), kTraversal) + (rule.amount != 0 ? times(size(1), kTraversal) : 0);
    case CostKind::kContainsNetwork:
      return times(2 * size(0), kTraversal) + times(size(0), kTraversal) + 1 +
             (rule.amount != 0 ? times(size(1), kTraversal) : 0);
    case CostKind::kValidate:
      return matching(size(1), size(0));
    case CostKind::kSelector: {
      const std::uint64_t requirements = times(size(1), 0.5);
      return kListCost + times(size(1), kTraversal) + requirements * (kListCost + kMessageCost);
    }
    case CostKind::kSets:
      return multiply(multiply(size(0), size(1)), rule.amount) + 1;
    case CostKind::kListSlice:
    case CostKind::kListRange:
    case CostKind::kListReverse:
      return allocating(1, size_of(result));
    case CostKind::kListFlatten:
      return allocating(count == 2 ? static_cast<double>(arguments[1].as_int()) : 1, size(0));
    case CostKind::kListDistinct:
    case CostKind::kListSort:
      return comparing_all(space, arguments[0]);
    case CostKind::kListSortBy:
      return comparing_all(space, arguments[1]);
  }
  return 1;
}

}  // namespace pinnace::cel::internal
