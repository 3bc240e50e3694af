#include "api/pod_resources.h"

#include <algorithm>
#include <array>
#include <string>

#include "api/json.h"

namespace pinnace::api {

namespace {

std::span<const Value> containers_at(const Value& spec, std::string_view list) {
  const Value* containers = spec.find(list);
  return containers != nullptr && containers->is_array() ? containers->items()
                                                         : std::span<const Value>();
}

void add(Amounts& to, const Value& container, std::string_view map) {
  for (const auto& [name, amount] : amounts_of(container.find("resources"), map)) {
    to[name] += amount;
  }
}

}  // namespace

Quantity quantity_of(const Value* value) {
  if (value == nullptr) return {};
  const auto parsed =
      Quantity::parse(value->is_string() ? std::string(value->as_string()) : to_json_text(*value));
  return parsed ? *parsed : Quantity();
}

Amounts amounts_of(const Value* resources, std::string_view map) {
  Amounts out;
  const Value* said = resources == nullptr ? nullptr : resources->find(map);
  if (said == nullptr || !said->is_object()) return out;
  for (const auto& [name, amount] : said->members()) out[name] = quantity_of(&amount);
  return out;
}

Amounts aggregate_of_containers(const Value& spec, std::string_view map) {
  Amounts sum, most, sidecars;
  for (const Value& container : containers_at(spec, "containers")) add(sum, container, map);
  for (const Value& container : containers_at(spec, "initContainers")) {
    Amounts own;
    add(own, container, map);
    // What the sidecars before it have beside that was counted with them.
    for (const auto& [name, amount] : own) {
      most[name] = std::max(most[name], amount + sidecars[name]);
    }
    if (container.string_at("restartPolicy") == "Always") {
      add(sidecars, container, map);
      add(sum, container, map);
    }
  }
  for (const auto& [name, amount] : most) sum[name] = std::max(sum[name], amount);
  return sum;
}

Amounts amounts_of_pod(const Value& spec, std::string_view map) {
  Amounts amounts = aggregate_of_containers(spec, map);
  for (const auto& [name, amount] : amounts_of(spec.find("resources"), map)) {
    if (is_pod_level_resource(name)) amounts[name] = amount;
  }
  return amounts;
}

Quantity amount_with_overhead(const Value& spec, std::string_view map, std::string_view name) {
  const Amounts amounts = amounts_of_pod(spec, map);
  const auto own = amounts.find(name);
  Quantity sum = own == amounts.end() ? Quantity() : own->second;
  const Value* overhead = spec.find_path({"overhead", name});
  if (overhead != nullptr && (map == "requests" || !sum.is_zero())) sum += quantity_of(overhead);
  return sum;
}

bool is_best_effort(const Value& spec) {
  return std::ranges::all_of(std::array{"requests", "limits"}, [&](std::string_view map) {
    return std::ranges::all_of(amounts_of_pod(spec, map), [](const auto& amount) {
      const bool counts = amount.first == "cpu" || amount.first == "memory";
      return !counts || amount.second.is_zero();
    });
  });
}

bool is_pod_level_resource(std::string_view name) {
  return name == "cpu" || name == "memory" || is_huge_page(name);
}

bool is_huge_page(std::string_view name) { return name.starts_with("hugepages-"); }

}  // namespace pinnace::api
