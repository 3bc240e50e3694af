// Optional values: what may be missing, without has().
#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::int64_t kFirstSecond = -62'135'596'800;  // Of the year 1.

bool is_zero(const Value& value) {
  switch (value.kind()) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return !value.as_bool();
    case Kind::kInt:
    case Kind::kDuration:
      return value.as_int() == 0;
    case Kind::kTimestamp:
      return value.as_seconds() == kFirstSecond && value.as_nanoseconds() == 0;
    case Kind::kUint:
      return value.as_uint() == 0;
    case Kind::kDouble:
      return value.as_double() == 0;
    case Kind::kString:
    case Kind::kBytes:
      return value.as_text().empty();
    case Kind::kList:
      return value.list_size() == 0;
    case Kind::kMap:
    case Kind::kObject:
      return value.map_size() == 0;
    case Kind::kOptional:
      return value.as_optional() == nullptr || is_zero(*value.as_optional());
    default:
      return false;
  }
}

Value of(const Call& call) { return Value::optional(call.space, call[0]); }
Value of_non_zero(const Call& call) {
  return is_zero(call[0]) ? Value::none() : Value::optional(call.space, call[0]);
}
Value none(const Call&) { return Value::none(); }
Value has_value(const Call& call) { return Value::boolean(call[0].as_optional() != nullptr); }
Value value(const Call& call) {
  if (call[0].as_optional() == nullptr) return Value::error("optional.none() dereference");
  return *call[0].as_optional();
}
// The evaluator has its own code for both: the second is only evaluated when it is needed.
Value either(const Call& call) { return call[0].as_optional() != nullptr ? call[0] : call[1]; }
Value either_value(const Call& call) {
  return call[0].as_optional() != nullptr ? *call[0].as_optional() : call[1];
}

Value first(const Call& call) {
  if (call[0].list_size() == 0) return Value::none();
  return Value::optional(call.space, call[0].item(call.space, 0));
}
Value last(const Call& call) {
  if (call[0].list_size() == 0) return Value::none();
  return Value::optional(call.space, call[0].item(call.space, call[0].list_size() - 1));
}

// The values of a list of optionals that have one.
Value unwrap(const Call& call) {
  const std::size_t size = call[0].list_size();
  Value* items = call.space.allocate<Value>(size);
  std::size_t count = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const Value item = call[0].item(call.space, i);
    if (!item.is(Kind::kOptional)) return Value::error("value is not optional");
    if (item.as_optional() != nullptr) new (items + count++) Value(*item.as_optional());
  }
  return Value::list({items, count});
}

constexpr Declaration kDeclarations[] = {
    {"optional.of", "optional_of", "(V) -> optional(V)", of},
    {"optional.ofNonZeroValue", "optional_ofNonZeroValue", "(V) -> optional(V)", of_non_zero},
    {"optional.none", "optional_none", "() -> optional(V)", none},
    {"value", "optional_value", "optional(V).() -> V", value},
    {"hasValue", "optional_hasValue", "optional(V).() -> bool", has_value},
    {"or", "optional_or_optional", "optional(V).(optional(V)) -> optional(V)", either},
    {"orValue", "optional_orValue_value", "optional(V).(V) -> V", either_value},
    {"first", "list_first", "list(V).() -> optional(V)", first},
    {"last", "list_last", "list(V).() -> optional(V)", last},
    {"optional.unwrap", "optional_unwrap", "(list(optional(V))) -> list(V)", unwrap},
    {"unwrapOpt", "optional_unwrapOpt", "list(optional(V)).() -> list(V)", unwrap},
};

}  // namespace

std::span<const Declaration> optional_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
