#include "apiserver/subresources/scale_managers.h"

#include <algorithm>

#include "apiserver/custom/custom_kind.h"

namespace pinnace::apiserver {
namespace {

using api::apply::FieldSet;
using api::apply::FieldSetBuilder;
using api::apply::Manager;
using api::apply::Managers;
using api::apply::PathElement;

using Path = std::vector<std::string>;

// In the Scale and in every built-in kind that has one.
const Path& common_path() {
  static const Path path{"spec", "replicas"};
  return path;
}

FieldSet set_of(api::Arena& arena, const Path& path) {
  std::vector<FieldSetBuilder::Step> steps;
  for (const std::string& name : path) {
    steps.push_back({PathElement::field(name), steps.size() + 1});
  }
  FieldSetBuilder builder(arena);
  builder.insert(steps);
  return builder.finish();
}

bool manages(api::Arena& arena, Manager& manager, const Path* path) {
  if (path == nullptr || path->empty()) return false;
  std::vector<PathElement> elements;
  for (const std::string& name : *path) elements.push_back(PathElement::field(name));
  return contains(manager.fields(arena), elements);
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

const Path* replicas_path(const api::ResourceInfo& storage, std::string_view api_version) {
  if (storage.custom == nullptr) return &common_path();
  static const Path kNone;
  const auto slash = api_version.find('/');
  if (slash == std::string_view::npos || api_version.substr(0, slash) != storage.group) {
    return nullptr;
  }
  const CustomVersion* version = storage.custom->kind->find_version(api_version.substr(slash + 1));
  if (version == nullptr) return nullptr;
  return version->has_scale ? &version->scale.spec_replicas : &kNone;
}

Managers scale_managers(api::Arena& arena, const api::ResourceInfo& storage,
                        const Managers& of_object) {
  Managers managers;
  for (Manager manager : of_object) {
    if (!manages(arena, manager, replicas_path(storage, manager.api_version))) continue;
    manager.api_version = ScaleVersions::kVersion;
    manager.set_fields(set_of(arena, common_path()));
    managers.push_back(manager);
  }
  return managers;
}

Managers with_scale_managers(api::Arena& arena, const api::ResourceInfo& storage,
                             Managers of_object, Managers of_scale, std::string_view api_version) {
  std::erase_if(of_object, [&](const Manager& manager) {
    return replicas_path(storage, manager.api_version) == nullptr;
  });
  for (Manager& manager : of_object) {
    const Path* path = replicas_path(storage, manager.api_version);
    if (!manages(arena, manager, path)) continue;
    if (const auto still = counterpart(of_scale, manager); still != of_scale.end()) {
      of_scale.erase(still);
    } else {
      manager.set_fields(subtract(arena, manager.fields(arena), set_of(arena, *path)));
    }
  }
  std::erase_if(of_object, [](const Manager& manager) { return manager.empty(); });
  const Path* wanted = replicas_path(storage, api_version);
  for (Manager manager : of_scale) {
    if (wanted == nullptr || !manages(arena, manager, &common_path())) continue;
    manager.api_version = api_version;
    manager.set_fields(set_of(arena, *wanted));
    of_object.push_back(manager);
  }
  return of_object;
}

}  // namespace pinnace::apiserver
