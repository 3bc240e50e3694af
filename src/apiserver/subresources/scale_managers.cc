#include "apiserver/subresources/scale_managers.h"

#include <algorithm>
#include <array>

namespace pinnace::apiserver {
namespace {

using api::apply::FieldSet;
using api::apply::FieldSetBuilder;
using api::apply::Manager;
using api::apply::Managers;
using api::apply::PathElement;

// In the Scale and in every kind that has one.
constexpr std::array kReplicas = {std::string_view("spec"), std::string_view("replicas")};

FieldSet replicas_set(api::Arena& arena) {
  FieldSetBuilder builder(arena);
  builder.insert(std::array{FieldSetBuilder::Step{PathElement::field(kReplicas[0]), 1},
                            FieldSetBuilder::Step{PathElement::field(kReplicas[1]), 2}});
  return builder.finish();
}

bool manages_replicas(api::Arena& arena, Manager& manager) {
  const std::array path = {PathElement::field(kReplicas[0]), PathElement::field(kReplicas[1])};
  return contains(manager.fields(arena), path);
}

// The same manager, whatever the version.
Managers::iterator counterpart(Managers& managers, const Manager& wanted) {
  return std::ranges::find_if(managers, [&](const Manager& manager) {
    return manager.name == wanted.name && manager.operation == wanted.operation &&
           manager.subresource == wanted.subresource;
  });
}

}  // namespace

api::apply::Shape ScaleVersions::shape(std::string_view api_version) const {
  if (api_version != kVersion) return {};
  return api::apply::Shape::of(*api::builtin_schema().find_type("autoscaling", "v1", "Scale"));
}

Managers scale_managers(api::Arena& arena, const Managers& of_object) {
  Managers managers;
  for (Manager manager : of_object) {
    if (!manages_replicas(arena, manager)) continue;
    manager.api_version = ScaleVersions::kVersion;
    manager.set_fields(replicas_set(arena));
    managers.push_back(manager);
  }
  return managers;
}

Managers with_scale_managers(api::Arena& arena, Managers of_object, Managers of_scale,
                             std::string_view api_version) {
  for (Manager& manager : of_object) {
    if (!manages_replicas(arena, manager)) continue;
    if (const auto still = counterpart(of_scale, manager); still != of_scale.end()) {
      manager.time = still->time;
      of_scale.erase(still);
    } else {
      manager.set_fields(subtract(arena, manager.fields(arena), replicas_set(arena)));
    }
  }
  std::erase_if(of_object, [](const Manager& manager) { return manager.empty(); });
  for (Manager manager : of_scale) {
    if (!manages_replicas(arena, manager)) continue;
    manager.api_version = api_version;
    manager.set_fields(replicas_set(arena));
    of_object.push_back(manager);
  }
  return of_object;
}

}  // namespace pinnace::apiserver
