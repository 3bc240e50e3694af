#include "apiserver/admission/pod_amounts.h"

#include "api/json.h"

namespace pinnace::apiserver {

api::Quantity quantity_of(const api::Value* value) {
  if (value == nullptr) return {};
  const auto parsed = api::Quantity::parse(value->is_string() ? std::string(value->as_string())
                                                              : api::to_json_text(*value));
  return parsed ? *parsed : api::Quantity();
}

api::Quantity pod_amount(const api::Value& pod, std::string_view kind, std::string_view name) {
  const auto items = [&](std::string_view list) {
    const auto* containers = pod.find_path({"spec", list});
    return containers != nullptr && containers->is_array() ? containers->items()
                                                           : std::span<const api::Value>();
  };
  const auto amount = [&](const api::Value& container) {
    return quantity_of(container.find_path({"resources", kind, name}));
  };
  api::Quantity sum;
  for (const auto& container : items("containers")) sum += amount(container);
  api::Quantity lasting, highest;
  for (const auto& container : items("initContainers")) {
    if (container.string_at("restartPolicy") == "Always") {
      lasting += amount(container);
      if (lasting > highest) highest = lasting;
    } else if (const auto needed = lasting + amount(container); needed > highest) {
      highest = needed;
    }
  }
  sum += lasting;
  return highest > sum ? highest : sum;
}

}  // namespace pinnace::apiserver
