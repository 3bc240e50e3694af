#include "cel/internal/evaluator.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <vector>

#include "cel/internal/functions.h"
#include "cel/internal/text_of.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::string_view kCancelled = "operation cancelled: actual cost limit exceeded";
constexpr std::size_t kInlineArguments = 4;
constexpr std::size_t kBytesPerStep = 64;

std::string text_of_key(const Value& key) {
  switch (key.kind()) {
    case Kind::kString:
      return std::string(key.as_text());
    case Kind::kBool:
      return key.as_bool() ? "true" : "false";
    case Kind::kInt:
      return std::to_string(key.as_int());
    case Kind::kUint:
      return std::to_string(key.as_uint());
    default:
      return to_text(key.runtime_type());
  }
}

bool is_key(const Value& value) {
  return value.is(Kind::kString) || value.is(Kind::kBool) || value.is(Kind::kInt) ||
         value.is(Kind::kUint);
}

bool is_index(const Expr& expr) {
  return expr.kind == ExprKind::kCall && (expr.name == "_[_]" || expr.name == "_[?_]");
}

// "a", "a.b", "a[b].c"
bool begins_with_name(const Expr& expr) {
  const Expr* here = &expr;
  while (true) {
    if (here->kind == ExprKind::kSelect && !here->test_only)
      here = here->target;
    else if (is_index(*here))
      here = here->arguments[0];
    else
      return here->kind == ExprKind::kIdentifier;
  }
}

}  // namespace

Evaluator::Evaluator(Workspace& space, std::span<const Value> variables, std::uint32_t local_count,
                     std::uint64_t cost_limit)
    : space_(space),
      variables_(variables),
      cost_limit_(cost_limit),
      bytes_at_start_(space.arena().bytes_used()) {
  auto* locals = space.allocate<Local>(local_count);
  std::uninitialized_default_construct_n(locals, local_count);
  locals_ = {locals, local_count};
  space.allow_steps(kMaxSteps);
}

Value Evaluator::run(const Expr& expr) {
  const Value result = evaluate(expr);
  return cancelled_ ? Value::error(kCancelled) : result;
}

void Evaluator::charge(std::uint64_t cost) {
  cost_ += cost;
  if (cost_ > cost_limit_) cancelled_ = true;
}

void Evaluator::check_resources() {
  if (space_.is_exhausted() || space_.arena().bytes_used() - bytes_at_start_ > kMaxMemoryBytes) {
    cancelled_ = true;
  }
}

Value Evaluator::evaluate_part(const Expr& expr) {
  // Its name comes first, and brings the count back to where it is now.
  if (begins_with_name(expr) && !cancelled_) --cost_;
  return evaluate(expr);
}

Value Evaluator::evaluate(const Expr& expr) {
  if (cancelled_) return Value::error(kCancelled);
  if (expr.constant) return expr.literal;
  switch (expr.kind) {
    case ExprKind::kLiteral:
      return expr.literal;
    case ExprKind::kIdentifier:
      return identifier(expr);
    case ExprKind::kSelect:
      return select(expr);
    case ExprKind::kCall:
      return expr.special == Special::kNone ? call(expr) : special_call(expr);
    case ExprKind::kAnd:
    case ExprKind::kOr:
      return logical(expr);
    case ExprKind::kConditional:
      return conditional(expr);
    case ExprKind::kList:
      return list(expr);
    case ExprKind::kMap:
      return map(expr);
    case ExprKind::kMessage:
      return message(expr);
    case ExprKind::kComprehension:
      return fold(expr);
  }
  return {};
}

Value Evaluator::identifier(const Expr& expr) {
  charge(1);
  return expr.is_global ? variables_[expr.slot] : locals_[expr.slot].value;
}

Value Evaluator::select(const Expr& expr) {
  const Value target = evaluate(*expr.target);
  if (target.is_error()) return target;
  if (!expr.test_only) charge(1);
  return field(target, expr, expr.optional);
}

Value Evaluator::field(const Value& target, const Expr& expr, bool optional) {
  if (target.is(Kind::kOptional)) {
    if (target.as_optional() == nullptr) {
      return expr.test_only ? Value::boolean(false) : Value::none();
    }
    return field(*target.as_optional(), expr, true);
  }
  const Value key = Value::string(expr.name);
  if (!target.is(Kind::kMap) && !target.is(Kind::kObject)) {
    if (expr.test_only && !target.is(Kind::kList)) return Value::boolean(false);
    return without_parts(target, key, optional);
  }
  if (expr.test_only) return Value::boolean(target.has(space_, key));
  Value result;
  if (target.get(space_, key, &result)) {
    return optional && !result.is_error() ? Value::optional(space_, result) : result;
  }
  if (optional) return Value::none();
  return Value::error(space_, "no such key: " + std::string(expr.name));
}

// What no map is has no keys, null among them; a list has parts, but not by names.
Value Evaluator::without_parts(const Value& target, const Value& key, bool optional) {
  if (target.is(Kind::kList)) {
    if (key.is_number()) {
      return Value::error(space_, fmt::format("unsupported index value {} in list", text_of(key)));
    }
    return Value::error(space_, fmt::format("unsupported index type '{}' in list",
                                            runtime_name(key.runtime_type())));
  }
  if (optional) return Value::none();
  return Value::error(space_, "no such key: " + text_of_key(key));
}

Value Evaluator::call(const Expr& expr) {
  const std::size_t count = expr.arguments.size() + (expr.target != nullptr ? 1 : 0);
  std::array<Value, kInlineArguments> few;
  std::vector<Value> many;
  Value* arguments = few.data();
  if (count > kInlineArguments) {
    many.resize(count);
    arguments = many.data();
  }
  std::size_t at = 0;
  if (expr.target != nullptr) arguments[at++] = evaluate(*expr.target);
  for (const Expr* argument : expr.arguments) {
    const bool is_key = at == 1 && is_index(expr);
    arguments[at++] = is_key ? evaluate_part(*argument) : evaluate(*argument);
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (arguments[i].is_error()) return arguments[i];
  }
  return invoke(expr, arguments, count);
}

Value Evaluator::invoke(const Expr& expr, const Value* arguments, std::size_t count) {
  for (const Overload* overload : expr.overloads) {
    bool fits = true;
    for (std::size_t i = 0; i < count && fits; ++i) {
      // A list's index may be a number of any type.
      const bool is_index = i == 1 && overload->cost->kind == CostKind::kIndexList;
      fits =
          accepts(*overload->parameters[i], arguments[i]) || (is_index && arguments[i].is_number());
    }
    if (!fits) continue;
    // Texts are walked through by functions whose cost does not tell.
    for (std::size_t i = 0; i < count; ++i) {
      if (arguments[i].is(Kind::kString)) {
        space_.spend_steps(arguments[i].as_text().size() / kBytesPerStep);
      }
    }
    const Value result = overload->code(Call{space_, arguments, count, expr});
    charge(actual_cost(expr, *overload->cost, space_, arguments, count, result));
    check_resources();
    return result;
  }
  charge(1);
  if (is_index(expr)) return without_parts(arguments[0], arguments[1], expr.name == "_[?_]");
  return no_such_overload(expr, arguments, count);
}

Value Evaluator::no_such_overload(const Expr& expr, const Value* arguments, std::size_t count) {
  const char first = expr.name.empty() ? '_' : expr.name[0];
  constexpr std::string_view kOrders[] = {"_<_", "_<=_", "_>_", "_>=_"};
  if (std::ranges::count(kOrders, expr.name) > 0) {
    return Value::error(space_, fmt::format("no such overload: {}", expr.name));
  }
  if (first == '_' || first == '@' || first == '!' || first == '-') {
    return Value::error("no such overload");
  }
  std::string text = fmt::format("no such overload: {}(", expr.name);
  for (std::size_t i = 0; i < count; ++i) {
    text += (i == 0 ? "" : ", ") + std::string(runtime_name(arguments[i].runtime_type()));
  }
  return Value::error(space_, text + ")");
}

Value Evaluator::special_call(const Expr& expr) {
  switch (expr.special) {
    case Special::kNone:
      break;
    case Special::kAppend:
      return append(expr);
    case Special::kInsert:
      return insert(expr);
    case Special::kNotStrictlyFalse: {
      const Value value = evaluate(*expr.arguments[0]);
      charge(1);
      return value.is(Kind::kBool) ? value : Value::boolean(true);
    }
    case Special::kOptionalOr:
    case Special::kOptionalOrValue:
      return optional_or(expr);
    case Special::kSetMembership: {
      const Value value = evaluate(*expr.arguments[0]);
      if (value.is_error()) return value;
      return Value::boolean(static_cast<const MapData*>(expr.prepared)->find(value) != nullptr);
    }
  }
  return call(expr);
}

Value Evaluator::append(const Expr& expr) {
  Local& accumulator = locals_[expr.arguments[0]->slot];
  charge(1);
  const Value added = evaluate(*expr.arguments[1]);
  if (accumulator.value.is_error()) return accumulator.value;
  if (added.is_error()) return added;
  charge(1);
  if (accumulator.size == accumulator.capacity) {
    accumulator.capacity = std::max<std::size_t>(accumulator.capacity * 2, 8);
    Value* items = space_.allocate<Value>(accumulator.capacity);
    std::uninitialized_copy_n(accumulator.items, accumulator.size, items);
    accumulator.items = items;
    check_resources();
  }
  new (accumulator.items + accumulator.size) Value(added.item(space_, 0));
  ++accumulator.size;
  return Value::list({accumulator.items, accumulator.size});
}

// `cel.@mapInsert(@result, key, value)` or `cel.@mapInsert(@result, {key: value})`.
Value Evaluator::insert(const Expr& expr) {
  Local& accumulator = locals_[expr.arguments[0]->slot];
  charge(1);
  Value key = evaluate(*expr.arguments[1]);
  Value value = expr.arguments.size() == 3 ? evaluate(*expr.arguments[2]) : Value::null();
  if (accumulator.value.is_error()) return accumulator.value;
  if (key.is_error()) return key;
  if (value.is_error()) return value;
  charge(1);
  if (accumulator.map == nullptr) {
    void* room = space_.arena().allocate(sizeof(MapBuilder), alignof(MapBuilder));
    accumulator.map = new (room) MapBuilder(space_, 8);
  }
  const bool entries = expr.arguments.size() == 2;
  if (entries && !key.is(Kind::kMap)) return Value::error("no such overload");
  const Value source = key;
  for (std::size_t i = 0; i < (entries ? source.map_size() : 1); ++i) {
    if (entries) {
      key = source.key(i);
      value = source.value(space_, i);
    }
    if (!is_key(key)) return Value::error("unsupported key type");
    if (!accumulator.map->add(key, value)) {
      return Value::error(space_,
                          fmt::format("insert failed: key {} already exists", text_of_key(key)));
    }
  }
  check_resources();
  return Value::map(*accumulator.map->finish());
}

Value Evaluator::optional_or(const Expr& expr) {
  const Value first = evaluate(*expr.target);
  if (first.is_error()) return first;
  if (!first.is(Kind::kOptional)) return no_such_overload(expr, &first, 1);
  if (first.as_optional() == nullptr) return evaluate(*expr.arguments[0]);
  return expr.special == Special::kOptionalOr ? first : *first.as_optional();
}

// An error does not matter when another part decides.
Value Evaluator::logical(const Expr& expr) {
  const bool decisive = expr.kind == ExprKind::kOr;
  Value failure;
  bool failed = false;
  for (const Expr* argument : expr.arguments) {
    const Value value = evaluate(*argument);
    if (value.is(Kind::kBool)) {
      if (value.as_bool() == decisive) return value;
    } else if (!failed) {
      failed = true;
      failure = value.is_error() ? value : Value::error("no such overload");
    }
  }
  return failed ? failure : Value::boolean(!decisive);
}

Value Evaluator::conditional(const Expr& expr) {
  const Value condition = evaluate(*expr.arguments[0]);
  if (condition.is_error()) return condition;
  if (!condition.is(Kind::kBool)) return Value::error("no such overload");
  return evaluate_part(*expr.arguments[condition.as_bool() ? 1 : 2]);
}

Value Evaluator::list(const Expr& expr) {
  Value* items = space_.allocate<Value>(expr.arguments.size());
  std::size_t size = 0;
  for (std::size_t i = 0; i < expr.arguments.size(); ++i) {
    Value item = evaluate(*expr.arguments[i]);
    if (item.is_error()) return item;
    if (!expr.optional_arguments.empty() && expr.optional_arguments[i]) {
      if (!item.is(Kind::kOptional)) {
        return Value::error(
            space_,
            "cannot initialize optional list element from non-optional value " + text_of(item));
      }
      if (item.as_optional() == nullptr) continue;
      item = *item.as_optional();
    }
    new (items + size++) Value(item);
  }
  charge(kListCost);
  check_resources();
  return Value::list({items, size});
}

Value Evaluator::not_optional(const std::string& entry, const Value& value) {
  return Value::error(
      space_, fmt::format("cannot initialize optional entry '{}' from non-optional value {}", entry,
                          text_of(value)));
}

Value Evaluator::map(const Expr& expr) {
  MapBuilder builder(space_, expr.entries.size());
  for (const Entry& entry : expr.entries) {
    const Value key = evaluate(*entry.key);
    if (key.is_error()) return key;
    Value value = evaluate(*entry.value);
    if (value.is_error()) return value;
    if (entry.optional) {
      if (!value.is(Kind::kOptional)) return not_optional(text_of_key(key), value);
      if (value.as_optional() == nullptr) continue;
      value = *value.as_optional();
    }
    if (!is_key(key)) return Value::error("unsupported key type");
    builder.put(key, value);
  }
  charge(kMapCost);
  check_resources();
  return Value::map(*builder.finish());
}

Value Evaluator::message(const Expr& expr) {
  MapBuilder builder(space_, expr.entries.size());
  for (const Entry& entry : expr.entries) {
    Value value = evaluate(*entry.value);
    if (value.is_error()) return value;
    if (entry.optional) {
      if (!value.is(Kind::kOptional)) return not_optional(std::string(entry.name), value);
      if (value.as_optional() == nullptr) continue;
      value = *value.as_optional();
    }
    if (!builder.add(Value::string(entry.name), value)) {
      return Value::error(space_, "Failed with repeated key: " + std::string(entry.name));
    }
  }
  charge(kMessageCost);
  check_resources();
  return Value::object(*expr.type, *builder.finish());
}

Value Evaluator::fold(const Expr& expr) {
  const Comprehension& parts = *expr.comprehension;
  const Value range = evaluate(*parts.range);
  if (range.is_error()) return range;
  const bool is_list = range.is(Kind::kList);
  if (!is_list && !range.is(Kind::kMap) && !range.is(Kind::kObject)) {
    return Value::error(space_, fmt::format("got '{}', expected iterable type",
                                            runtime_name(range.runtime_type())));
  }
  Local& accumulator = locals_[parts.accumulator_slot];
  accumulator = {};
  accumulator.value = evaluate(*parts.initial);
  const bool two = !parts.variable_2.empty();
  const std::size_t size = is_list ? range.list_size() : range.map_size();
  for (std::size_t i = 0; i < size && !cancelled_; ++i) {
    Value& first = locals_[parts.variable_slot].value;
    if (is_list) {
      first = two ? Value::integer(static_cast<std::int64_t>(i)) : range.item(space_, i);
      if (two) locals_[parts.variable_2_slot].value = range.item(space_, i);
    } else {
      first = range.key(i);
      if (two) locals_[parts.variable_2_slot].value = range.value(space_, i);
    }
    if (!fold_step(parts)) break;
  }
  return evaluate(*parts.result);
}

// False when the loop's condition ends it.
bool Evaluator::fold_step(const Comprehension& parts) {
  if (evaluate(*parts.condition).is_false()) return false;
  const Value next = evaluate(*parts.step);
  locals_[parts.accumulator_slot].value = next;
  return true;
}

}  // namespace pinnace::cel::internal
