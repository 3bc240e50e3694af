// isSorted(), sum(), min(), max(), indexOf() and lastIndexOf() of lists.
//
// Source: k8s.io/apiserver/pkg/cel/library/lists.go.
#include <fmt/format.h>

#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "cel/internal/compare.h"
#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

Value no_order(Kind kind) {
  return Value::error(kind == Kind::kDouble ? "NaN values cannot be ordered" : "no such overload");
}

Value is_sorted(const Call& call) {
  for (std::size_t i = 1; i < call[0].list_size(); ++i) {
    const Value before = call[0].item(call.space, i - 1), item = call[0].item(call.space, i);
    const Order order = compare(before, item);
    if (order == Order::kNone) return no_order(item.kind());
    if (order == Order::kGreater) return Value::boolean(false);
  }
  return Value::boolean(true);
}

template <Order kWanted>
Value extreme(const Call& call) {
  if (call[0].list_size() == 0) {
    return Value::error(kWanted == Order::kLess ? "min called on empty list"
                                                : "max called on empty list");
  }
  Value best = call[0].item(call.space, 0);
  for (std::size_t i = 1; i < call[0].list_size(); ++i) {
    const Value item = call[0].item(call.space, i);
    const Order order = compare(item, best);
    if (order == Order::kNone) return no_order(item.kind());
    if (order == kWanted) best = item;
  }
  return best;
}

Value sum_of(const Value& a, const Value& b) {
  if (a.kind() != b.kind()) return Value::error("no such overload");
  switch (a.kind()) {
    case Kind::kInt:
    case Kind::kDuration: {
      const bool is_int = a.is(Kind::kInt);
      std::int64_t sum = 0;
      if (__builtin_add_overflow(a.as_int(), b.as_int(), &sum)) {
        return Value::error("integer overflow");
      }
      return is_int ? Value::integer(sum) : Value::duration(sum);
    }
    case Kind::kUint: {
      std::uint64_t sum = 0;
      if (__builtin_add_overflow(a.as_uint(), b.as_uint(), &sum)) {
        return Value::error("unsigned integer overflow");
      }
      return Value::uint(sum);
    }
    case Kind::kDouble:
      return Value::number(a.as_double() + b.as_double());
    default:
      return Value::error("no such overload");
  }
}

Value add_all(const Call& call, Value sum) {
  for (std::size_t i = 0; i < call[0].list_size() && !sum.is_error(); ++i) {
    sum = sum_of(sum, call[0].item(call.space, i));
  }
  return sum;
}
Value sum_ints(const Call& call) {
  // An unchecked list may be of another type than the first overload that takes lists.
  if (call[0].list_size() > 0) {
    switch (call[0].item(call.space, 0).kind()) {
      case Kind::kUint:
        return add_all(call, Value::uint(0));
      case Kind::kDouble:
        return add_all(call, Value::number(0));
      case Kind::kDuration:
        return add_all(call, Value::duration(0));
      default:
        break;
    }
  }
  return add_all(call, Value::integer(0));
}
Value sum_uints(const Call& call) { return add_all(call, Value::uint(0)); }
Value sum_doubles(const Call& call) { return add_all(call, Value::number(0)); }
Value sum_durations(const Call& call) { return add_all(call, Value::duration(0)); }

Value index_of(const Call& call) {
  for (std::size_t i = 0; i < call[0].list_size() && call.space.spend_step(); ++i) {
    if (equal(call.space, call[0].item(call.space, i), call[1])) {
      return Value::integer(static_cast<std::int64_t>(i));
    }
  }
  return Value::integer(-1);
}
Value last_index_of(const Call& call) {
  for (std::size_t i = call[0].list_size(); i > 0 && call.space.spend_step(); --i) {
    if (equal(call.space, call[0].item(call.space, i - 1), call[1])) {
      return Value::integer(static_cast<std::int64_t>(i - 1));
    }
  }
  return Value::integer(-1);
}

constexpr Declaration kDeclarations[] = {
    {"sum", "list_int_sum_int", "list(int).() -> int", sum_ints},
    {"sum", "list_uint_sum_uint", "list(uint).() -> uint", sum_uints},
    {"sum", "list_double_sum_double", "list(double).() -> double", sum_doubles},
    {"sum", "list_duration_sum_duration", "list(duration).() -> duration", sum_durations},
    {"indexOf", "list_a_index_of_int", "list(A).(A) -> int", index_of},
    {"lastIndexOf", "list_a_last_index_of_int", "list(A).(A) -> int", last_index_of},
};

struct Table {
  std::deque<std::string> texts;
  std::vector<Declaration> rows{std::begin(kDeclarations), std::end(kDeclarations)};

  Table() {
    for (const char* type :
         {"int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"}) {
      add("isSorted", fmt::format("list_{}_is_sorted_bool", type),
          fmt::format("list({}).() -> bool", type), is_sorted);
      add("min", fmt::format("list_{0}_min_{0}", type), fmt::format("list({0}).() -> {0}", type),
          extreme<Order::kLess>);
      add("max", fmt::format("list_{0}_max_{0}", type), fmt::format("list({0}).() -> {0}", type),
          extreme<Order::kGreater>);
    }
  }
  void add(std::string_view function, std::string id, std::string signature, Implementation code) {
    const std::string& kept_id = texts.emplace_back(std::move(id));
    rows.push_back({function, kept_id, texts.emplace_back(std::move(signature)), code});
  }
};

}  // namespace

std::span<const Declaration> kubernetes_list_declarations() {
  static const Table table;
  return table.rows;
}

}  // namespace pinnace::cel::internal
