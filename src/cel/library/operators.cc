// Arithmetic, equality, indexing, membership and size.
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>

#include "cel/internal/functions.h"
#include "cel/internal/keyed_list.h"
#include "cel/internal/text_of.h"
#include "cel/internal/time_text.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kMinInt = std::numeric_limits<std::int64_t>::min();

Value overflow() { return Value::error("integer overflow"); }
Value uint_overflow() { return Value::error("unsigned integer overflow"); }

Value add_int(const Call& call) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(call.integer(0), call.integer(1), &sum)) return overflow();
  return Value::integer(sum);
}
Value subtract_int(const Call& call) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(call.integer(0), call.integer(1), &difference)) return overflow();
  return Value::integer(difference);
}
Value multiply_int(const Call& call) {
  std::int64_t product = 0;
  if (__builtin_mul_overflow(call.integer(0), call.integer(1), &product)) return overflow();
  return Value::integer(product);
}
Value divide_int(const Call& call) {
  if (call.integer(1) == 0) return Value::error("division by zero");
  if (call.integer(0) == kMinInt && call.integer(1) == -1) return overflow();
  return Value::integer(call.integer(0) / call.integer(1));
}
Value modulo_int(const Call& call) {
  if (call.integer(1) == 0) return Value::error("modulus by zero");
  if (call.integer(0) == kMinInt && call.integer(1) == -1) return overflow();
  return Value::integer(call.integer(0) % call.integer(1));
}
Value negate_int(const Call& call) {
  if (call.integer(0) == kMinInt) return overflow();
  return Value::integer(-call.integer(0));
}

Value add_uint(const Call& call) {
  std::uint64_t sum = 0;
  if (__builtin_add_overflow(call[0].as_uint(), call[1].as_uint(), &sum)) return uint_overflow();
  return Value::uint(sum);
}
Value subtract_uint(const Call& call) {
  if (call[1].as_uint() > call[0].as_uint()) return uint_overflow();
  return Value::uint(call[0].as_uint() - call[1].as_uint());
}
Value multiply_uint(const Call& call) {
  std::uint64_t product = 0;
  if (__builtin_mul_overflow(call[0].as_uint(), call[1].as_uint(), &product)) {
    return uint_overflow();
  }
  return Value::uint(product);
}
Value divide_uint(const Call& call) {
  if (call[1].as_uint() == 0) return Value::error("division by zero");
  return Value::uint(call[0].as_uint() / call[1].as_uint());
}
Value modulo_uint(const Call& call) {
  if (call[1].as_uint() == 0) return Value::error("modulus by zero");
  return Value::uint(call[0].as_uint() % call[1].as_uint());
}

Value add_double(const Call& call) {
  return Value::number(call[0].as_double() + call[1].as_double());
}
Value subtract_double(const Call& call) {
  return Value::number(call[0].as_double() - call[1].as_double());
}
Value multiply_double(const Call& call) {
  return Value::number(call[0].as_double() * call[1].as_double());
}
Value divide_double(const Call& call) {
  return Value::number(call[0].as_double() / call[1].as_double());
}
Value negate_double(const Call& call) { return Value::number(-call[0].as_double()); }

Value concatenate(const Call& call) {
  const std::string_view a = call.text(0), b = call.text(1);
  if (Call::is_too_large(a.size() + b.size())) return Call::too_large();
  char* joined = call.space.allocate<char>(a.size() + b.size());
  std::copy(b.begin(), b.end(), std::copy(a.begin(), a.end(), joined));
  const std::string_view text(joined, a.size() + b.size());
  return call[0].is(Kind::kString) ? Value::string(text) : Value::bytes(text);
}

Value add_lists(const Call& call) {
  if (call[0].list_kind() != ListKind::kAtomic) return join_lists(call.space, call[0], call[1]);
  const std::size_t a = call[0].list_size(), b = call[1].list_size();
  if (Call::is_too_large((a + b) * sizeof(Value))) return Call::too_large();
  Value* items = call.space.allocate<Value>(a + b);
  for (std::size_t i = 0; i < a; ++i) new (items + i) Value(call[0].item(call.space, i));
  for (std::size_t i = 0; i < b; ++i) new (items + a + i) Value(call[1].item(call.space, i));
  return Value::list({items, a + b});
}

Value add_durations(const Call& call) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(call.integer(0), call.integer(1), &sum)) {
    return overflow();
  }
  return Value::duration(sum);
}
Value subtract_durations(const Call& call) {
  std::int64_t difference = 0;
  if (__builtin_sub_overflow(call.integer(0), call.integer(1), &difference)) {
    return overflow();
  }
  return Value::duration(difference);
}

Value shifted(const Value& moment, std::int64_t nanoseconds) {
  std::int64_t seconds = moment.as_seconds() + nanoseconds / kSecond;
  std::int64_t rest = moment.as_nanoseconds() + nanoseconds % kSecond;
  if (rest < 0) {
    rest += kSecond;
    --seconds;
  } else if (rest >= kSecond) {
    rest -= kSecond;
    ++seconds;
  }
  if (seconds < kMinSeconds || seconds > kMaxSeconds) return Value::error("timestamp overflow");
  return Value::timestamp(seconds, static_cast<std::uint32_t>(rest));
}
Value add_timestamp_duration(const Call& call) { return shifted(call[0], call[1].as_duration()); }
Value add_duration_timestamp(const Call& call) { return shifted(call[1], call[0].as_duration()); }
Value subtract_timestamp_duration(const Call& call) {
  if (call[1].as_duration() == kMinInt) return Value::error("timestamp overflow");
  return shifted(call[0], -call[1].as_duration());
}
Value subtract_timestamps(const Call& call) {
  std::int64_t seconds = call[0].as_seconds() - call[1].as_seconds();
  const std::int64_t rest = static_cast<std::int64_t>(call[0].as_nanoseconds()) -
                            static_cast<std::int64_t>(call[1].as_nanoseconds());
  if (__builtin_mul_overflow(seconds, kSecond, &seconds) ||
      __builtin_add_overflow(seconds, rest, &seconds)) {
    return overflow();
  }
  return Value::duration(seconds);
}

Value equals(const Call& call) { return Value::boolean(equal(call.space, call[0], call[1])); }
Value not_equals(const Call& call) { return Value::boolean(!equal(call.space, call[0], call[1])); }
Value logical_not(const Call& call) { return Value::boolean(!call[0].as_bool()); }
// The evaluator has its own code for it: functions take no errors.
Value not_strictly_false(const Call& call) { return call[0]; }

// An index may be a number of any type, when it is whole.
bool as_index(const Value& value, std::int64_t* out) {
  switch (value.kind()) {
    case Kind::kInt:
      *out = value.as_int();
      return true;
    case Kind::kUint:
      *out = static_cast<std::int64_t>(value.as_uint());
      return value.as_uint() <= static_cast<std::uint64_t>(INT64_MAX);
    case Kind::kDouble:
      *out = static_cast<std::int64_t>(std::clamp(value.as_double(), -1e15, 1e15));
      return static_cast<double>(*out) == value.as_double();
    default:
      return false;
  }
}

Value list_item(const Call& call, const Value& list, const Value& index, bool* missing) {
  std::int64_t place = 0;
  if (!as_index(index, &place)) {
    if (index.is_number()) {
      return call.error("unsupported index value " + text_of(index) + " in list");
    }
    return call.error("unsupported index type '" + std::string(runtime_name(index.runtime_type())) +
                      "' in list");
  }
  *missing = place < 0 || static_cast<std::uint64_t>(place) >= list.list_size();
  if (*missing) return call.error("index out of bounds: " + std::to_string(place));
  return list.item(call.space, static_cast<std::size_t>(place));
}

Value map_value(const Call& call, const Value& map, const Value& key, bool* missing) {
  Value found;
  *missing = !map.get(call.space, key, &found);
  if (!*missing) return found;
  std::string text = "no such key: ";
  if (key.is(Kind::kString)) text += key.as_text();
  if (key.is(Kind::kBool)) text += key.as_bool() ? "true" : "false";
  if (key.is(Kind::kInt)) text += std::to_string(key.as_int());
  if (key.is(Kind::kUint)) text += std::to_string(key.as_uint());
  return call.error(text);
}

Value item_of(const Call& call, const Value& container, const Value& key, bool* missing) {
  return container.is(Kind::kList) ? list_item(call, container, key, missing)
                                   : map_value(call, container, key, missing);
}

Value index(const Call& call) {
  bool missing = false;
  return item_of(call, call[0], call[1], &missing);
}

// `a[?i]`, and `a[i]` of an optional a: none where there is nothing.
Value optional_index(const Call& call) {
  Value container = call[0];
  if (container.is(Kind::kOptional)) {
    if (container.as_optional() == nullptr) return Value::none();
    container = *container.as_optional();
  }
  bool missing = false;
  const Value found = item_of(call, container, call[1], &missing);
  if (missing) return Value::none();
  return found.is_error() ? found : Value::optional(call.space, found);
}

Value in_list(const Call& call) {
  for (std::size_t i = 0; i < call[1].list_size() && call.space.spend_step(); ++i) {
    if (equal(call.space, call[0], call[1].item(call.space, i))) return Value::boolean(true);
  }
  return Value::boolean(false);
}
Value in_map(const Call& call) { return Value::boolean(call[1].has(call.space, call[0])); }

Value size_of_text(const Call& call) {
  return Value::integer(static_cast<std::int64_t>(count_characters(call.text(0))));
}
Value size_of_bytes(const Call& call) {
  return Value::integer(static_cast<std::int64_t>(call.text(0).size()));
}
Value size_of_list(const Call& call) {
  return Value::integer(static_cast<std::int64_t>(call[0].list_size()));
}
Value size_of_map(const Call& call) {
  return Value::integer(static_cast<std::int64_t>(call[0].map_size()));
}
// The evaluator inserts; this is its signature.
Value insert(const Call& call) { return call[0]; }

constexpr Declaration kDeclarations[] = {
    {"_+_", "add_bytes", "(bytes, bytes) -> bytes", concatenate},
    {"_+_", "add_double", "(double, double) -> double", add_double},
    {"_+_", "add_duration_duration", "(duration, duration) -> duration", add_durations},
    {"_+_", "add_duration_timestamp", "(duration, timestamp) -> timestamp", add_duration_timestamp},
    {"_+_", "add_timestamp_duration", "(timestamp, duration) -> timestamp", add_timestamp_duration},
    {"_+_", "add_int64", "(int, int) -> int", add_int},
    {"_+_", "add_list", "(list(A), list(A)) -> list(A)", add_lists},
    {"_+_", "add_string", "(string, string) -> string", concatenate},
    {"_+_", "add_uint64", "(uint, uint) -> uint", add_uint},
    {"_-_", "subtract_double", "(double, double) -> double", subtract_double},
    {"_-_", "subtract_duration_duration", "(duration, duration) -> duration", subtract_durations},
    {"_-_", "subtract_int64", "(int, int) -> int", subtract_int},
    {"_-_", "subtract_timestamp_duration", "(timestamp, duration) -> timestamp",
     subtract_timestamp_duration},
    {"_-_", "subtract_timestamp_timestamp", "(timestamp, timestamp) -> duration",
     subtract_timestamps},
    {"_-_", "subtract_uint64", "(uint, uint) -> uint", subtract_uint},
    {"_*_", "multiply_double", "(double, double) -> double", multiply_double},
    {"_*_", "multiply_int64", "(int, int) -> int", multiply_int},
    {"_*_", "multiply_uint64", "(uint, uint) -> uint", multiply_uint},
    {"_/_", "divide_double", "(double, double) -> double", divide_double},
    {"_/_", "divide_int64", "(int, int) -> int", divide_int},
    {"_/_", "divide_uint64", "(uint, uint) -> uint", divide_uint},
    {"_%_", "modulo_int64", "(int, int) -> int", modulo_int},
    {"_%_", "modulo_uint64", "(uint, uint) -> uint", modulo_uint},
    {"-_", "negate_double", "(double) -> double", negate_double},
    {"-_", "negate_int64", "(int) -> int", negate_int},
    {"!_", "logical_not", "(bool) -> bool", logical_not},
    {"@not_strictly_false", "not_strictly_false", "(bool) -> bool", not_strictly_false},
    {"_==_", "equals", "(A, A) -> bool", equals},
    {"_!=_", "not_equals", "(A, A) -> bool", not_equals},
    {"_[_]", "index_list", "(list(A), int) -> A", index},
    {"_[_]", "index_map", "(map(A, B), A) -> B", index},
    {"_[_]", "optional_list_index_int", "(optional(list(A)), int) -> optional(A)", optional_index},
    {"_[_]", "optional_map_index_value", "(optional(map(A, B)), A) -> optional(B)", optional_index},
    {"_[?_]", "list_optindex_optional_int", "(list(A), int) -> optional(A)", optional_index},
    {"_[?_]", "optional_list_optindex_optional_int", "(optional(list(A)), int) -> optional(A)",
     optional_index},
    {"_[?_]", "map_optindex_optional_value", "(map(A, B), A) -> optional(B)", optional_index},
    {"_[?_]", "optional_map_optindex_optional_value", "(optional(map(A, B)), A) -> optional(B)",
     optional_index},
    {"@in", "in_list", "(A, list(A)) -> bool", in_list},
    {"@in", "in_map", "(A, map(A, B)) -> bool", in_map},
    {"size", "size_bytes", "(bytes) -> int", size_of_bytes},
    {"size", "bytes_size", "bytes.() -> int", size_of_bytes},
    {"size", "size_list", "(list(A)) -> int", size_of_list},
    {"size", "list_size", "list(A).() -> int", size_of_list},
    {"size", "size_map", "(map(A, B)) -> int", size_of_map},
    {"size", "map_size", "map(A, B).() -> int", size_of_map},
    {"size", "size_string", "(string) -> int", size_of_text},
    {"size", "string_size", "string.() -> int", size_of_text},
    {"cel.@mapInsert", "@mapInsert_map_key_value", "(map(A, B), A, B) -> map(A, B)", insert},
    {"cel.@mapInsert", "@mapInsert_map_map", "(map(A, B), map(A, B)) -> map(A, B)", insert},
};

}  // namespace

std::span<const Declaration> operator_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
