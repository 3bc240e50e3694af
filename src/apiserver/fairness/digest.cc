#include "apiserver/fairness/digest.h"

#include <algorithm>
#include <utility>

#include "apiserver/fairness/default_objects.h"

namespace pinnace::apiserver::fairness {
namespace {

template <typename T>
bool has_name(const std::vector<T>& list, std::string_view name) {
  return std::ranges::any_of(list, [&](const T& each) { return each.name == name; });
}

}  // namespace

Digest digest(std::vector<PriorityLevel> levels, std::vector<FlowSchema> schemas,
              std::uint32_t concurrency) {
  for (const DefaultObject& object : default_objects()) {
    if (!object.is_mandatory || object.is_schema || has_name(levels, object.name)) continue;
    levels.push_back(read_priority_level(object.tree));
  }
  std::erase_if(schemas, [&](const FlowSchema& schema) { return !has_name(levels, schema.level); });
  for (const DefaultObject& object : default_objects()) {
    if (!object.is_mandatory || !object.is_schema || has_name(schemas, object.name)) continue;
    schemas.push_back(read_flow_schema(object.tree));
  }
  sort_flow_schemas(schemas);
  // Nothing comes after the one that takes all.
  std::ranges::stable_partition(schemas,
                                [](const FlowSchema& schema) { return schema.name != kCatchAll; });

  std::int64_t shares = 0;
  for (const PriorityLevel& level : levels) shares += level.seats.shares;
  Digest out;
  for (PriorityLevel& level : levels) {
    const SeatLimits limits = seat_limits(concurrency, level.seats, shares);
    out.levels.push_back({std::move(level), limits});
  }
  out.schemas = std::move(schemas);
  return out;
}

Dangling dangling(std::string_view level, bool is_there) {
  const std::string object =
      "This FlowSchema references the PriorityLevelConfiguration object named \"" +
      std::string(level) + "\" ";
  if (is_there) return {"False", "Found", object + "and it exists"};
  return {"True", "NotFound", object + "but there is no such object"};
}

}  // namespace pinnace::apiserver::fairness
