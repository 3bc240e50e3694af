// Functions on lists: cel-go's ext.Lists (version 3) and ext.Sets.
#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <numeric>
#include <string>
#include <vector>

#include "cel/internal/compare.h"
#include "cel/internal/functions.h"

namespace pinnace::cel::internal {
namespace {

Value to_list(const Call& call, const std::vector<Value>& items) {
  Value* kept = call.space.allocate<Value>(items.size());
  std::uninitialized_copy(items.begin(), items.end(), kept);
  return Value::list({kept, items.size()});
}

std::vector<Value> items_of(const Call& call, std::size_t argument) {
  std::vector<Value> items;
  const Value& list = call[argument];
  items.reserve(list.list_size());
  for (std::size_t i = 0; i < list.list_size(); ++i) items.push_back(list.item(call.space, i));
  return items;
}

bool contains(const Call& call, const std::vector<Value>& items, const Value& wanted) {
  return std::ranges::any_of(items, [&](const Value& item) {
    return call.space.spend_step() && equal(call.space, item, wanted);
  });
}

Value slice(const Call& call) {
  const std::int64_t start = call.integer(1), end = call.integer(2);
  const auto size = static_cast<std::int64_t>(call[0].list_size());
  if (start < 0 || end < 0) {
    return call.error(
        fmt::format("cannot slice({}, {}), negative indexes not supported", start, end));
  }
  if (start > end) {
    return call.error(fmt::format(
        "cannot slice({}, {}), start index must be less than or equal to end index", start, end));
  }
  if (end > size) {
    return call.error(fmt::format("cannot slice({}, {}), list is length {}", start, end, size));
  }
  std::vector<Value> items;
  for (std::int64_t i = start; i < end; ++i) {
    items.push_back(call[0].item(call.space, static_cast<std::size_t>(i)));
  }
  return to_list(call, items);
}

// False when there would be too many.
bool flatten_into(const Call& call, const Value& list, std::int64_t depth,
                  std::vector<Value>& items) {
  for (std::size_t i = 0; i < list.list_size(); ++i) {
    if (!call.space.spend_step() || Call::is_too_large(items.size() * sizeof(Value))) return false;
    const Value item = list.item(call.space, i);
    if (item.is(Kind::kList) && depth > 0) {
      if (!flatten_into(call, item, depth - 1, items)) return false;
    } else {
      items.push_back(item);
    }
  }
  return true;
}

Value flatten(const Call& call) {
  const std::int64_t depth = call.count == 2 ? call.integer(1) : 1;
  if (depth < 0) return Value::error("level must be non-negative");
  std::vector<Value> items;
  if (!flatten_into(call, call[0], std::min<std::int64_t>(depth, kMaxDepth), items)) {
    return Call::too_large();
  }
  return to_list(call, items);
}

// The values in the order of their keys; equal keys stay as they were.
Value sorted(const Call& call, const std::vector<Value>& values, const std::vector<Value>& keys) {
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (keys[i].kind() != keys[0].kind()) {
      return Value::error("list elements must have the same type");
    }
    if (compare(keys[i], keys[i]) == Order::kNone) {
      return Value::error("list elements must be comparable");
    }
  }
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return compare(keys[a], keys[b]) == Order::kLess;
  });
  std::vector<Value> items;
  items.reserve(order.size());
  for (const std::size_t place : order) items.push_back(values[place]);
  return to_list(call, items);
}

Value sort(const Call& call) {
  const std::vector<Value> items = items_of(call, 0);
  return sorted(call, items, items);
}

Value sort_by_keys(const Call& call) {
  const std::vector<Value> values = items_of(call, 0), keys = items_of(call, 1);
  if (values.size() != keys.size()) {
    return call.error(fmt::format(
        "@sortByAssociatedKeys() expected a list of the same size as the associated keys list, "
        "but got {} and {} elements respectively.",
        values.size(), keys.size()));
  }
  return sorted(call, values, keys);
}

Value range(const Call& call) {
  const std::int64_t count = std::max<std::int64_t>(call.integer(0), 0);
  if (count > static_cast<std::int64_t>(kMaxResultBytes / sizeof(Value))) return Call::too_large();
  std::vector<Value> items;
  for (std::int64_t i = 0; i < count; ++i) items.push_back(Value::integer(i));
  return to_list(call, items);
}

Value reverse(const Call& call) {
  std::vector<Value> items = items_of(call, 0);
  std::ranges::reverse(items);
  return to_list(call, items);
}

// The first of each; simple values are found by their hash.
Value distinct(const Call& call) {
  std::vector<Value> items;
  MapBuilder seen(call.space, 16);
  for (const Value& item : items_of(call, 0)) {
    const bool simple = item.is_number() || item.is(Kind::kString) || item.is(Kind::kBool);
    if (simple ? seen.add(item, Value::null()) : !contains(call, items, item)) {
      items.push_back(item);
    }
  }
  return to_list(call, items);
}

bool contains_all(const Call& call, std::size_t set, std::size_t subset) {
  const std::vector<Value> items = items_of(call, set);
  for (std::size_t i = 0; i < call[subset].list_size(); ++i) {
    if (!contains(call, items, call[subset].item(call.space, i))) return false;
  }
  return true;
}

Value sets_contains(const Call& call) { return Value::boolean(contains_all(call, 0, 1)); }
Value sets_equivalent(const Call& call) {
  return Value::boolean(contains_all(call, 0, 1) && contains_all(call, 1, 0));
}
Value sets_intersects(const Call& call) {
  const std::vector<Value> items = items_of(call, 0);
  for (std::size_t i = 0; i < call[1].list_size(); ++i) {
    if (contains(call, items, call[1].item(call.space, i))) return Value::boolean(true);
  }
  return Value::boolean(false);
}

constexpr Declaration kDeclarations[] = {
    {"slice", "list_slice", "list(T).(int, int) -> list(T)", slice},
    {"flatten", "list_flatten", "list(list(T)).() -> list(T)", flatten},
    {"flatten", "list_flatten_int", "list(dyn).(int) -> list(dyn)", flatten},
    {"lists.range", "lists_range", "(int) -> list(int)", range},
    {"reverse", "list_reverse", "list(T).() -> list(T)", reverse},
    {"distinct", "list_distinct", "list(T).() -> list(T)", distinct},
    {"sets.contains", "list_sets_contains_list", "(list(T), list(T)) -> bool", sets_contains},
    {"sets.equivalent", "list_sets_equivalent_list", "(list(T), list(T)) -> bool", sets_equivalent},
    {"sets.intersects", "list_sets_intersects_list", "(list(T), list(T)) -> bool", sets_intersects},
};

// sort() and sortBy() have an overload for each type that has an order.
struct Table {
  std::deque<std::string> texts;
  std::vector<Declaration> rows{std::begin(kDeclarations), std::end(kDeclarations)};

  Table() {
    for (const char* type :
         {"int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes"}) {
      const auto& id = texts.emplace_back(fmt::format("list_{}_sort", type));
      const auto& signature = texts.emplace_back(fmt::format("list({0}).() -> list({0})", type));
      rows.push_back({"sort", id, signature, sort});
      const auto& by_id = texts.emplace_back(fmt::format("list_{}_sortByAssociatedKeys", type));
      const auto& by = texts.emplace_back(fmt::format("list(T).(list({})) -> list(T)", type));
      rows.push_back({"@sortByAssociatedKeys", by_id, by, sort_by_keys});
    }
  }
};

}  // namespace

std::span<const Declaration> list_declarations() {
  static const Table table;
  return table.rows;
}

}  // namespace pinnace::cel::internal
