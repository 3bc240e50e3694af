#include "api/pod_resources.h"

#include <algorithm>

namespace pinnace::api {

namespace {

std::span<const Value> containers_at(const Value& spec, std::string_view list) {
  const Value* containers = spec.find(list);
  return containers != nullptr && containers->is_array() ? containers->items()
                                                         : std::span<const Value>();
}

void add(Amounts& to, const Value& container, std::string_view map) {
  const Value* amounts = container.find_path({"resources", map});
  if (amounts == nullptr || !amounts->is_object()) return;
  for (const auto& [name, amount] : amounts->members()) {
    if (!amount.is_string()) continue;
    if (const auto parsed = Quantity::parse(amount.as_string())) to[name] += *parsed;
  }
}

}  // namespace

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

bool is_pod_level_resource(std::string_view name) {
  return name == "cpu" || name == "memory" || is_huge_page(name);
}

bool is_huge_page(std::string_view name) { return name.starts_with("hugepages-"); }

}  // namespace pinnace::api
