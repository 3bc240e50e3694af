#include "cel/internal/estimator.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <unordered_map>
#include <vector>

#include "cel/internal/functions.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kMaxFormatRegex = 128;

std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a > kMost - b ? kMost : a + b; }
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > kMost / b ? kMost : a * b;
}
std::uint64_t scale(std::uint64_t size, double factor) {
  const double scaled = std::ceil(static_cast<double>(size) * factor);
  return scaled >= 0x1p64 ? kMost : static_cast<std::uint64_t>(scaled);
}

}  // namespace

Range Range::operator+(const Range& other) const {
  return {add(min, other.min), add(max, other.max)};
}
Range Range::operator*(const Range& other) const {
  return {multiply(min, other.min), multiply(max, other.max)};
}
Range Range::scaled(double factor) const { return {scale(min, factor), scale(max, factor)}; }
Range Range::united(const Range& other) const {
  return {std::min(min, other.min), std::max(max, other.max)};
}

namespace {

using Size = std::optional<Range>;

// Of a list's or map's entries.
struct Entries {
  bool is_list;
  Range key, value;
};

// What is known of a node besides its cost. `origin` is the declared type of what it reads, where
// it is a path from a variable to something declared: bounds stand there.
struct Facts {
  const Type* origin = nullptr;
  bool is_path = false;
  Size size;
  std::optional<Entries> entries;
};

struct CallCost {
  Range cost;
  Size result;
};

bool is_scalar(const Type& type) {
  switch (type.kind) {
    case TypeKind::kBool:
    case TypeKind::kDouble:
    case TypeKind::kDuration:
    case TypeKind::kInt:
    case TypeKind::kTimestamp:
    case TypeKind::kUint:
      return true;
    default:
      return type.is_optional() && is_scalar(*type.parameters[0]);
  }
}

Size literal_size(const Expr& expr) {
  switch (expr.kind) {
    case ExprKind::kLiteral:
      if (expr.literal.is(Kind::kString)) {
        return Range::fixed(count_characters(expr.literal.as_text()));
      }
      if (expr.literal.is(Kind::kBytes)) return Range::fixed(expr.literal.as_text().size());
      return Range::fixed(1);
    case ExprKind::kList:
      return Range::fixed(expr.arguments.size());
    case ExprKind::kMap:
      return Range::fixed(expr.entries.size());
    default:
      return std::nullopt;
  }
}

const Type* item_of(const Type* type) {
  return type != nullptr && !type->parameters.empty() && !type->is_optional()
             ? type->parameters.back()
             : nullptr;
}

// What a field holds. Of a map's entries that are selected like fields, only `any` has bounds.
const Type* member_of(const Type* type, std::string_view name) {
  if (type == nullptr) return nullptr;
  if (const Field* field = type->field(name)) return field->type;
  const bool holds_any = type->kind == TypeKind::kMap && type->parameters[1]->is_any();
  return holds_any ? type->parameters[1] : nullptr;
}

// The literal number that an argument is, as estimates of list functions take it.
std::uint64_t number_of(const Expr& expr, std::uint64_t otherwise) {
  if (expr.kind != ExprKind::kLiteral || !expr.literal.is(Kind::kInt)) return otherwise;
  return static_cast<std::uint64_t>(std::max<std::int64_t>(expr.literal.as_int(), 0));
}

class Estimator {
 public:
  Estimator(const Type* first, std::uint32_t local_count) : first_(first), locals_(local_count) {}

  Range cost(const Expr& expr) {
    // Macros use a part twice.
    if (const auto known = costs_.find(&expr); known != costs_.end()) return known->second;
    const Range result = compute(expr);
    costs_.emplace(&expr, result);
    return result;
  }

 private:
  Range compute(const Expr& expr) {
    switch (expr.kind) {
      case ExprKind::kLiteral:
        return {};
      case ExprKind::kIdentifier:
        return identifier(expr);
      case ExprKind::kSelect:
        return select(expr);
      case ExprKind::kCall:
        return call(expr);
      case ExprKind::kAnd:
      case ExprKind::kOr: {
        Range sum;
        for (const Expr* argument : expr.arguments) sum = sum + cost(*argument);
        return {cost(*expr.arguments[0]).min, sum.max};
      }
      case ExprKind::kConditional:
        return conditional(expr);
      case ExprKind::kList:
        return list(expr);
      case ExprKind::kMap:
        return map(expr);
      case ExprKind::kMessage: {
        Range sum = Range::fixed(kMessageCost);
        for (const Entry& entry : expr.entries) sum = sum + cost(*entry.value);
        return sum;
      }
      case ExprKind::kComprehension:
        return comprehension(expr);
    }
    return {};
  }

  Range identifier(const Expr& expr) {
    Facts& facts = facts_[&expr];
    if (expr.constant) {
      // A type's name has the size of the first variable, as in Kubernetes.
      facts.origin = first_;
      facts.is_path = true;
    } else if (expr.is_global) {
      facts.origin = expr.type;
      facts.is_path = true;
    } else {
      facts = locals_[expr.slot];
    }
    return Range::fixed(1);
  }

  Range select(const Expr& expr) {
    const Range operand = cost(*expr.target);
    if (expr.test_only) return operand;
    if (!expr.optional) {
      const Facts whole = facts_[expr.target];
      follow(facts_[&expr], whole, member_of(whole.origin, expr.name));
    }
    const TypeKind kind = expr.target->type->kind;
    // Selecting from what is only known at run time is not counted.
    if (expr.optional || kind == TypeKind::kMap || kind == TypeKind::kObject) {
      return operand + Range::fixed(1);
    }
    return operand;
  }

  // A part of what is no path is taken for a part of the first variable, as in Kubernetes.
  void follow(Facts& part, const Facts& whole, const Type* next) const {
    part.origin = whole.is_path ? next : first_;
    part.is_path = true;
  }

  Range conditional(const Expr& expr) {
    const Range condition = cost(*expr.arguments[0]);
    const Range branches = cost(*expr.arguments[1]).united(cost(*expr.arguments[2]));
    Facts& facts = facts_[&expr];
    facts.size = size(*expr.arguments[1]).united(size(*expr.arguments[2]));
    facts.entries = united(entries(*expr.arguments[1]), entries(*expr.arguments[2]));
    return condition + branches;
  }

  static std::optional<Entries> united(const std::optional<Entries>& a,
                                       const std::optional<Entries>& b) {
    if (!a || !b) return std::nullopt;
    return Entries{a->is_list, a->key.united(b->key), a->value.united(b->value)};
  }

  Range list(const Expr& expr) {
    Range sum = Range::fixed(kListCost);
    Range items = expr.arguments.empty() ? Range{} : Range{kMost, 0};
    for (const Expr* argument : expr.arguments) {
      sum = sum + cost(*argument);
      items = items.united(size(*argument));
    }
    facts_[&expr].entries = Entries{true, Range::fixed(1), items};
    return sum;
  }

  Range map(const Expr& expr) {
    Range sum = Range::fixed(kMapCost);
    Range keys = expr.entries.empty() ? Range{} : Range{kMost, 0};
    Range values = keys;
    for (const Entry& entry : expr.entries) {
      sum = sum + cost(*entry.key) + cost(*entry.value);
      keys = keys.united(size(*entry.key));
      values = values.united(size(*entry.value));
    }
    facts_[&expr].entries = Entries{false, keys, values};
    return sum;
  }

  // A binding (see optMap) is a comprehension over nothing.
  static bool is_binding(const Expr& expr) { return expr.name != kAccumulator; }

  Range comprehension(const Expr& expr) {
    const Comprehension& parts = *expr.comprehension;
    Range sum = cost(*parts.range) + cost(*parts.initial);
    Facts& accumulator = locals_[parts.accumulator_slot];
    accumulator = facts_[parts.initial];
    accumulator.size = known_size(*parts.initial);
    if (is_binding(expr)) {
      sum = sum + cost(*parts.result);
      facts_[&expr].size = known_size(*parts.result);
      facts_[&expr].entries = entries(*parts.result);
      return sum;
    }
    iteration_facts(parts);
    const Range step = cost(*parts.condition) + cost(*parts.step);
    sum = sum + cost(*parts.result);
    const Range count = size(*parts.range);
    Facts& facts = facts_[&expr];
    const ExprKind initial = parts.initial->kind;
    if (initial == ExprKind::kLiteral) facts.size = known_size(*parts.initial);
    if (initial == ExprKind::kList || initial == ExprKind::kMap) {
      facts.size = count;
      facts.entries = entries(*parts.step);
    }
    return sum + count * step;
  }

  void iteration_facts(const Comprehension& parts) {
    const auto known = entries(*parts.range);
    const Facts range = facts_[parts.range];
    const bool is_list = known ? known->is_list : parts.range->type->kind == TypeKind::kList;
    const bool two = !parts.variable_2.empty();
    Facts& first = locals_[parts.variable_slot];
    first = {};
    Facts value;
    follow(value, range, item_of(range.origin));
    if (known) value.size = known->value;
    if (is_list && !two) {
      first = value;
      return;
    }
    const bool is_map = range.origin != nullptr && range.origin->kind == TypeKind::kMap;
    if (!is_list) follow(first, range, is_map ? range.origin->parameters[0] : nullptr);
    if (known) first.size = known->key;
    if (two) locals_[parts.variable_2_slot] = value;
  }

  std::optional<Entries> entries(const Expr& expr) { return facts_[&expr].entries; }

  // What is known of a value's size, if anything.
  Size known_size(const Expr& expr) {
    const Facts& facts = facts_[&expr];
    if (expr.kind != ExprKind::kIdentifier && facts.size) return facts.size;
    if (const Size literal = literal_size(expr)) return literal;
    if (const Size declared = declared_size(facts.origin)) return declared;
    if (expr.type != nullptr && is_scalar(*expr.type)) return Range::fixed(1);
    return facts.size;
  }
  static Size declared_size(const Type* origin) {
    if (origin == nullptr || origin->max_elements == kUnbounded) return std::nullopt;
    return Range{0, origin->max_elements};
  }
  Range size(const Expr& expr) { return known_size(expr).value_or(Range::unknown()); }

  Range call(const Expr& expr) {
    Range sum;
    if (expr.target != nullptr) sum = cost(*expr.target);
    for (const Expr* argument : expr.arguments) sum = sum + cost(*argument);
    if (expr.overloads.empty()) return {};
    Range range{kMost, 0};
    Size result;
    for (const Overload* overload : expr.overloads) {
      const CallCost each = overload_cost(expr, *overload->cost);
      range = range.united(each.cost);
      if (each.result) result = result ? result->united(*each.result) : *each.result;
      if (overload->cost->kind == CostKind::kIndexList ||
          overload->cost->kind == CostKind::kIndexMap) {
        index_facts(expr, &result);
      }
    }
    Facts& facts = facts_[&expr];
    if (result) facts.size = result;
    return sum + range;
  }

  void index_facts(const Expr& expr, Size* result) {
    const Expr& operand = *expr.arguments[0];
    const Facts whole = facts_[&operand];
    follow(facts_[&expr], whole, item_of(whole.origin));
    const auto known = entries(operand);
    *result = known ? Size(known->value) : known_size(expr);
  }

  // What stands before the dot, or else the first argument; and the one behind that.
  static const Expr& operand(const Expr& expr, std::size_t index) {
    if (expr.target != nullptr) {
      if (index == 0) return *expr.target;
      --index;
    }
    return *expr.arguments[index];
  }

  CallCost overload_cost(const Expr& expr, const CostRule& rule) {
    const std::size_t count = expr.arguments.size() + (expr.target != nullptr ? 1 : 0);
    const Range first = count > 0 ? size(operand(expr, 0)) : Range{};
    const Range second = count > 1 ? size(operand(expr, 1)) : Range{};
    switch (rule.kind) {
      case CostKind::kFixed:
        return {Range::fixed(rule.amount), std::nullopt};
      case CostKind::kDyn:
        facts_[&expr].entries = entries(*expr.arguments[0]);
        return {Range::fixed(1), known_size(*expr.arguments[0])};
      case CostKind::kArgument:
        return {second.scaled(kTraversal), std::nullopt};
      case CostKind::kFormat:
        return {first.scaled(kTraversal), std::nullopt};
      case CostKind::kTarget:
        return {first.scaled(kTraversal), first};
      case CostKind::kParse:
        return {first.scaled(static_cast<double>(rule.amount) * kTraversal),
                rule.sized ? Size(first) : std::nullopt};
      case CostKind::kInList:
        return {second, std::nullopt};
      case CostKind::kCompare:
        return compare(expr, first, second);
      case CostKind::kConcatenate:
      case CostKind::kConcatenateList: {
        facts_[&expr].entries = united(entries(operand(expr, 0)), entries(operand(expr, 1)));
        const Range both = first + second;
        return {rule.kind == CostKind::kConcatenateList ? Range::fixed(1) : both.scaled(kTraversal),
                both};
      }
      case CostKind::kMatches:
        return {matching(first, second), std::nullopt};
      case CostKind::kFind:
        return {matching(first, second), Range{0, first.max}};
      case CostKind::kContains:
        return {first.scaled(kTraversal) * second.scaled(kTraversal), std::nullopt};
      case CostKind::kStringToBytes:
        return {first.scaled(kTraversal), Range{first.min, multiply(first.max, 4)}};
      case CostKind::kBytesToString:
        return {first.scaled(kTraversal), Range{first.min / 4, first.max}};
      case CostKind::kQuote:
        return {first.scaled(kTraversal), Range{add(first.min, 2), add(multiply(first.max, 2), 2)}};
      case CostKind::kIndexList:
      case CostKind::kIndexMap:
        return {Range::fixed(1), std::nullopt};
      default:
        return library_cost(expr, rule, first, second);
    }
  }

  CallCost compare(const Expr& expr, const Range& first, const Range& second) {
    const TypeKind kind = operand(expr, 0).type->kind;
    if (kind == TypeKind::kOpaque && !operand(expr, 0).type->is_optional()) {
      return {Range::fixed(1), std::nullopt};
    }
    const std::uint64_t least = std::min(first.max, second.max);
    return {Range{least > 0 ? 1U : 0U, least}.scaled(kTraversal), std::nullopt};
  }

  static Range matching(const Range& text, const Range& pattern) {
    return (text + Range::fixed(1)).scaled(kTraversal) * pattern.scaled(kRegexLength);
  }

  CallCost library_cost(const Expr& expr, const CostRule& rule, const Range& first,
                        const Range& second) {
    const Range address{4, 16};
    const Range comparing = (address + address).scaled(kTraversal);
    const Range parsing = rule.amount != 0 ? second.scaled(kTraversal) : Range{};
    switch (rule.kind) {
      case CostKind::kReplace:
        return {first.scaled(2 * kTraversal), replaced(first, second, size(operand(expr, 2)))};
      case CostKind::kSplit: {
        std::uint64_t most = first.max;
        if (expr.arguments.size() > 1) most = number_of(*expr.arguments[1], most);
        return {first.scaled(2 * kTraversal), Range{0, most}};
      }
      case CostKind::kJoin:
        return joined(expr, first, second);
      case CostKind::kListWalk:
        return list_walk(expr, first);
      case CostKind::kContainsAddress:
        return {comparing + parsing, std::nullopt};
      case CostKind::kContainsNetwork:
        return {comparing + address.scaled(kTraversal) + Range::fixed(1) + parsing, std::nullopt};
      case CostKind::kValidate:
        return {
            second.scaled(kTraversal).scaled(static_cast<double>(kMaxFormatRegex) * kRegexLength),
            std::nullopt};
      case CostKind::kSelector:
        return {Range::fixed(kListCost) + second.scaled(kTraversal) +
                    second.scaled(0.5).scaled(kListCost + kMessageCost),
                std::nullopt};
      case CostKind::kSets:
        return {(first * second).scaled(static_cast<double>(rule.amount)) + Range::fixed(1),
                std::nullopt};
      default:
        return list_cost(expr, rule, first);
    }
  }

  // Lists that are made: their size, a call and the list.
  static CallCost allocating(double factor, const Range& size) {
    return {size.scaled(factor) + Range::fixed(1 + kListCost), size};
  }

  CallCost list_cost(const Expr& expr, const CostRule& rule, const Range& first) {
    switch (rule.kind) {
      case CostKind::kListSlice: {
        const std::uint64_t start = number_of(*expr.arguments[0], 0);
        const std::uint64_t end = number_of(*expr.arguments[1], first.max);
        return allocating(1, Range::fixed(end - std::min(start, end)));
      }
      case CostKind::kListRange:
        return allocating(1, Range::fixed(number_of(*expr.arguments[0], kMost)));
      case CostKind::kListReverse:
        return allocating(1, first);
      case CostKind::kListFlatten: {
        const std::uint64_t depth =
            expr.arguments.empty() ? 1 : number_of(*expr.arguments[0], kMost);
        return allocating(static_cast<double>(depth), first);
      }
      case CostKind::kListDistinct:
        return allocating(2, first * first);
      case CostKind::kListSort:
      case CostKind::kListSortBy: {
        const Expr& keys = rule.kind == CostKind::kListSort ? *expr.target : *expr.arguments[0];
        const Type* item = item_of(keys.type);
        const bool texts =
            item != nullptr && (item->kind == TypeKind::kString || item->kind == TypeKind::kBytes);
        const Range count = size(keys);
        return allocating(texts ? 2 + kTraversal : 2, count * count);
      }
      default:
        return {Range::fixed(1), std::nullopt};
    }
  }

  // The size of an item of a list, by its declaration alone.
  Range item_size(const Expr& list) {
    return declared_size(item_of(facts_[&list].origin)).value_or(Range::unknown());
  }

  CallCost list_walk(const Expr& expr, const Range& first) {
    const Expr& target = operand(expr, 0);
    const Type* item = item_of(target.type);
    if (item == nullptr) return {first.scaled(kTraversal), std::nullopt};
    Range each = Range::fixed(1);
    if (item->kind == TypeKind::kString || item->kind == TypeKind::kBytes) {
      each = each + item_size(target).scaled(kTraversal);
    }
    return {first * each, std::nullopt};
  }

  CallCost joined(const Expr& expr, const Range& count, const Range& separator) {
    Range total = count * item_size(*expr.target);
    if (!expr.arguments.empty()) {
      const Range separators{count.min == 0 ? 0 : count.min - 1,
                             count.max == 0 ? 0 : count.max - 1};
      total = total + separator * separators;
    }
    return {total.scaled(kTraversal), total};
  }

  // The sizes that a text may have once every `before` in it is `after`.
  static Range replaced(const Range& text, const Range& before, const Range& after) {
    Range count, kept;
    if (before.min == 0) {  // An empty text is found around every character.
      count.max = add(text.max, 1);
      kept.max = text.max;
    } else if (after.max <= before.min) {
      kept.max = text.max;
    } else {
      count.max = scale(text.max, 1.0 / static_cast<double>(before.min));
    }
    if (before.max == 0) {
      count.min = add(text.min, 1);
      kept.min = text.min;
    } else if (before.max <= after.min) {
      kept.min = text.min;
    } else {
      count.min = scale(text.min, 1.0 / static_cast<double>(before.max));
    }
    return count * after + kept;
  }

  const Type* first_;
  std::vector<Facts> locals_;
  std::unordered_map<const Expr*, Range> costs_;
  std::unordered_map<const Expr*, Facts> facts_;
};

}  // namespace

CostEstimate estimate_cost(const Expr& expr, const Type* first, std::uint32_t local_count) {
  const Range range = Estimator(first, local_count).cost(expr);
  return {range.min, range.max};
}

}  // namespace pinnace::cel::internal
