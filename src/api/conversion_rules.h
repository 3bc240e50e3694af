// The table behind conversion.h: which steps lead from a version to the stored one, and back.
#pragma once

#include <span>
#include <string_view>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::api {

// A field that stands elsewhere in the stored version. Both paths are taken from `under`, once for
// every object that it reaches; "[]" in `under` means each entry of a list.
struct FieldMove {
  std::string_view under;
  std::string_view other;
  std::string_view stored;
};

using ConversionFunction = Result<void> (*)(Arena& arena, Value& object);

// Moves first, then the function, on the way to the stored version; backwards the other way.
struct ConversionStep {
  std::span<const FieldMove> moves;
  ConversionFunction to_stored = nullptr;
  ConversionFunction from_stored = nullptr;
};

// Runs a table of moves in its order, or backwards in the reverse order.
void move_to_stored(Arena& arena, Value& object, std::span<const FieldMove> moves);
void move_from_stored(Arena& arena, Value& object, std::span<const FieldMove> moves);

// Calls `visit` with every value that `path` reaches: "spec.rules[].http.paths[].backend".
template <typename Visit>
void visit_path(Value& at, std::string_view path, const Visit& visit) {
  if (path.empty()) return visit(at);
  const auto end = path.find('.');
  std::string_view name = path.substr(0, end);
  const std::string_view rest = end == std::string_view::npos ? "" : path.substr(end + 1);
  const bool is_list = name.ends_with("[]");
  if (is_list) name.remove_suffix(2);
  Value* next = at.find(name);
  if (next == nullptr) return;
  if (!is_list) return visit_path(*next, rest, visit);
  if (!next->is_array()) return;
  for (Value& item : next->items()) visit_path(item, rest, visit);
}

// An annotation's text, or nullptr; and the ways to change it.
const Value* find_annotation(const Value& object, std::string_view name);
void set_annotation(Arena& arena, Value& object, std::string_view name, std::string_view text);
void erase_annotation(Value& object, std::string_view name);

// conversion_workloads.cc
Result<void> deployment_to_stored(Arena& arena, Value& object);
Result<void> deployment_from_stored(Arena& arena, Value& object);
Result<void> daemon_set_to_stored(Arena& arena, Value& object);
Result<void> daemon_set_from_stored(Arena& arena, Value& object);
Result<void> disruption_budget_to_stored(Arena& arena, Value& object);
Result<void> disruption_budget_from_stored(Arena& arena, Value& object);

// conversion_network.cc
Result<void> ingress_to_stored(Arena& arena, Value& object);
Result<void> ingress_from_stored(Arena& arena, Value& object);
Result<void> endpoint_slice_to_stored(Arena& arena, Value& object);
Result<void> endpoint_slice_from_stored(Arena& arena, Value& object);
Result<void> subjects_to_stored(Arena& arena, Value& object);
Result<void> subjects_from_stored(Arena& arena, Value& object);

// conversion_autoscaling.cc
Result<void> autoscaler_v1_lists_to_stored(Arena& arena, Value& object);
Result<void> autoscaler_v1_lists_from_stored(Arena& arena, Value& object);
Result<void> autoscaler_v1_cpu_to_stored(Arena& arena, Value& object);
Result<void> autoscaler_v1_cpu_from_stored(Arena& arena, Value& object);
Result<void> autoscaler_behavior_to_stored(Arena& arena, Value& object);
Result<void> autoscaler_behavior_from_stored(Arena& arena, Value& object);
Result<void> metric_targets_to_stored(Arena& arena, Value& object);

// conversion_crd.cc
Result<void> crd_to_stored(Arena& arena, Value& object);
Result<void> crd_from_stored(Arena& arena, Value& object);

}  // namespace pinnace::api
