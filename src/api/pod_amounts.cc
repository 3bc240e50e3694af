#include "api/pod_amounts.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "api/json.h"

namespace pinnace::api {
namespace {

std::span<const Value> containers_of(const Value& pod, std::string_view list) {
  const auto* containers = pod.find_path({"spec", list});
  return containers != nullptr && containers->is_array() ? containers->items()
                                                         : std::span<const Value>();
}

// Containers count even when they say nothing: their sum is zero.
Quantity amount_of_containers(const Value& pod, std::string_view kind, std::string_view name) {
  const auto amount = [&](const Value& container) {
    return quantity_of(container.find_path({"resources", kind, name}));
  };
  Quantity sum, lasting, highest;
  for (const auto& container : containers_of(pod, "containers")) sum += amount(container);
  for (const auto& container : containers_of(pod, "initContainers")) {
    if (container.string_at("restartPolicy") == "Always") {
      lasting += amount(container);
      highest = std::max(highest, lasting);
    } else {
      highest = std::max(highest, lasting + amount(container));
    }
  }
  sum += lasting;
  return std::max(sum, highest);
}

}  // namespace

Quantity quantity_of(const Value* value) {
  if (value == nullptr) return {};
  const auto parsed =
      Quantity::parse(value->is_string() ? std::string(value->as_string()) : to_json_text(*value));
  return parsed ? *parsed : Quantity();
}

Quantity pod_amount(const Value& pod, std::string_view kind, std::string_view name) {
  const auto* whole = pod.find_path({"spec", "resources", kind, name});
  Quantity sum = whole != nullptr ? quantity_of(whole) : amount_of_containers(pod, kind, name);
  // A limit that is not there stays so.
  const auto* overhead = pod.find_path({"spec", "overhead", name});
  if (overhead != nullptr && (kind == "requests" || !sum.is_zero())) sum += quantity_of(overhead);
  return sum;
}

bool pod_names_amount(const Value& pod, std::string_view kind, std::string_view name) {
  if (pod.find_path({"spec", "resources", kind, name}) != nullptr) return true;
  if (kind == "requests" && pod.find_path({"spec", "overhead", name}) != nullptr) return true;
  return std::ranges::any_of(std::array{"containers", "initContainers"}, [&](const char* list) {
    return std::ranges::any_of(containers_of(pod, list), [&](const Value& container) {
      return container.find_path({"resources", kind, name}) != nullptr;
    });
  });
}

bool is_best_effort(const Value& pod) {
  for (const char* kind : {"requests", "limits"}) {
    for (const char* name : {"cpu", "memory"}) {
      if (!pod_amount(pod, kind, name).is_zero()) return false;
    }
  }
  return true;
}

}  // namespace pinnace::api
