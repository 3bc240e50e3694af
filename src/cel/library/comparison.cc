// <, <=, > and >= on everything that has an order.
#include <compare>
#include <deque>
#include <string>
#include <vector>

#include "cel/internal/compare.h"
#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

template <typename T>
Order order_of(const T& a, const T& b) {
  if (a < b) return Order::kLess;
  if (b < a) return Order::kGreater;
  return a == b ? Order::kEqual : Order::kNone;
}

Order reversed(Order order) {
  if (order == Order::kLess) return Order::kGreater;
  return order == Order::kGreater ? Order::kLess : order;
}

// An integer and a double: as doubles, where the integer's type has such numbers.
template <typename Integer>
Order compare_with_double(Integer a, double b) {
  constexpr bool is_signed = std::is_signed_v<Integer>;
  if (b > (is_signed ? 0x1p63 : 0x1p64)) return Order::kLess;
  if (b < (is_signed ? -0x1p63 : 0.0)) return Order::kGreater;
  return order_of(static_cast<double>(a), b);
}

Order compare_numbers(const Value& a, const Value& b) {
  if (a.kind() > b.kind()) return reversed(compare_numbers(b, a));
  if (a.is(Kind::kDouble)) return order_of(a.as_double(), b.as_double());
  if (b.is(Kind::kDouble)) {
    return a.is(Kind::kInt) ? compare_with_double(a.as_int(), b.as_double())
                            : compare_with_double(a.as_uint(), b.as_double());
  }
  if (a.kind() == b.kind()) {
    return a.is(Kind::kInt) ? order_of(a.as_int(), b.as_int()) : order_of(a.as_uint(), b.as_uint());
  }
  if (a.as_int() < 0) return Order::kLess;
  return order_of(static_cast<std::uint64_t>(a.as_int()), b.as_uint());
}

template <bool (*kHolds)(Order)>
Value holds(const Call& call) {
  const Order order = compare(call[0], call[1]);
  if (order == Order::kNone) return Value::error("NaN values cannot be ordered");
  return Value::boolean(kHolds(order));
}

bool is_less(Order order) { return order == Order::kLess; }
bool is_less_or_equal(Order order) { return order != Order::kGreater; }
bool is_greater(Order order) { return order == Order::kGreater; }
bool is_greater_or_equal(Order order) { return order != Order::kLess; }

struct Operator {
  std::string_view name, prefix;
  Implementation code;
};
constexpr Operator kOperators[] = {
    {"_<_", "less", holds<is_less>},
    {"_<=_", "less_equals", holds<is_less_or_equal>},
    {"_>_", "greater", holds<is_greater>},
    {"_>=_", "greater_equals", holds<is_greater_or_equal>},
};

struct Pair {
  std::string_view suffix, types;
};
constexpr Pair kPairs[] = {
    {"bool", "(bool, bool)"},
    {"int64", "(int, int)"},
    {"int64_double", "(int, double)"},
    {"int64_uint64", "(int, uint)"},
    {"uint64", "(uint, uint)"},
    {"uint64_double", "(uint, double)"},
    {"uint64_int64", "(uint, int)"},
    {"double", "(double, double)"},
    {"double_int64", "(double, int)"},
    {"double_uint64", "(double, uint)"},
    {"string", "(string, string)"},
    {"bytes", "(bytes, bytes)"},
    {"timestamp", "(timestamp, timestamp)"},
    {"duration", "(duration, duration)"},
};

struct Table {
  std::deque<std::string> texts;
  std::vector<Declaration> rows;

  Table() {
    for (const Operator& each : kOperators) {
      for (const Pair& pair : kPairs) {
        const auto& id =
            texts.emplace_back(std::string(each.prefix) + "_" + std::string(pair.suffix));
        const auto& signature = texts.emplace_back(std::string(pair.types) + " -> bool");
        rows.push_back({each.name, id, signature, each.code});
      }
    }
  }
};

}  // namespace

Order compare(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) return compare_numbers(a, b);
  if (a.kind() != b.kind()) return Order::kNone;
  switch (a.kind()) {
    case Kind::kBool:
      return order_of(a.as_bool(), b.as_bool());
    case Kind::kString:
    case Kind::kBytes:
      return order_of(a.as_text(), b.as_text());
    case Kind::kDuration:
      return order_of(a.as_duration(), b.as_duration());
    case Kind::kTimestamp:
      if (a.as_seconds() != b.as_seconds()) return order_of(a.as_seconds(), b.as_seconds());
      return order_of(a.as_nanoseconds(), b.as_nanoseconds());
    default:
      return Order::kNone;
  }
}

std::span<const Declaration> comparison_declarations() {
  static const Table table;
  return table.rows;
}

}  // namespace pinnace::cel::internal
