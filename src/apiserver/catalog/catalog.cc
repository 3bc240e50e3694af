#include "apiserver/catalog/catalog.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <utility>

#include "api/version_order.h"
#include "apiserver/aggregation/api_service.h"
#include "apiserver/custom/custom_kind.h"

namespace pinnace::apiserver {
namespace {

using api::ResourceInfo;

bool is_builtin(std::string_view group, std::string_view version) {
  const auto known = api::builtin_schema().versions(group);
  return std::ranges::find(known, version) != known.end();
}

}  // namespace

const ResourceInfo* CatalogHolder::find_resource(std::string_view group, std::string_view version,
                                                 std::string_view name, CatalogRef& keep) const {
  const ResourceInfo* found = api::builtin_schema().find_resource(group, version, name);
  if (found != nullptr && found->enabled) return found;
  keep = current();
  return keep->find_resource(group, version, name);
}

void CatalogHolder::replace(std::vector<CustomKindRef> custom_kinds) {
  const std::lock_guard lock(replacing_);
  const CatalogRef before = current();
  const auto kept = before->remote_versions();
  set(std::move(custom_kinds), {kept.begin(), kept.end()});
}

void CatalogHolder::replace_remote(std::vector<RemoteVersionRef> remote_versions) {
  const std::lock_guard lock(replacing_);
  const CatalogRef before = current();
  const auto kept = before->custom_kinds();
  set({kept.begin(), kept.end()}, std::move(remote_versions));
}

void CatalogHolder::set(std::vector<CustomKindRef> custom_kinds,
                        std::vector<RemoteVersionRef> remote_versions) {
  auto made = std::make_shared<const Catalog>(executor_, clock_, std::move(custom_kinds),
                                              std::move(remote_versions));
  std::vector<std::weak_ptr<const std::function<void()>>> listeners;
  {
    const std::lock_guard lock(mutex_);
    current_.swap(made);
    listeners = listeners_;
  }
  for (const auto& listener : listeners) {
    if (const auto changed = listener.lock()) (*changed)();
  }
}

void CatalogHolder::tell(std::weak_ptr<const std::function<void()>> changed) {
  const std::lock_guard lock(mutex_);
  std::erase_if(listeners_, [](const auto& listener) { return listener.expired(); });
  listeners_.push_back(std::move(changed));
}

Catalog::Catalog(Executor& executor, const Clock& clock, std::vector<CustomKindRef> custom_kinds,
                 std::vector<RemoteVersionRef> remote_versions)
    : custom_kinds_(std::move(custom_kinds)),
      remote_versions_(std::move(remote_versions)),
      documents_(executor, clock) {
  const api::Schema& builtin = api::builtin_schema();
  std::map<std::string_view, std::int64_t> added;  // Groups that are not built in.
  const auto add = [&](std::string_view name, std::int64_t priority) -> Group& {
    if (builtin.versions(name).empty()) {
      std::int64_t& known = added.try_emplace(name, priority).first->second;
      known = std::max(known, priority);
    }
    return groups_[name];
  };
  for (const CustomKindRef& kind : custom_kinds_) {
    for (const auto& version : kind->versions()) {
      const ResourceInfo& resource = version->resource;
      if (!version->is_served || is_builtin(resource.group, resource.version)) continue;
      const std::int64_t priority = api_priorities(resource.group, resource.version, true).group;
      add(resource.group, priority).custom.push_back(&resource);
    }
  }
  for (const RemoteVersionRef& remote : remote_versions_) {
    add(remote->place().group, remote->place().group_priority).remote.push_back(remote.get());
  }
  for (auto& [name, group] : groups_) add_versions(group, name);
  place_groups({added.begin(), added.end()});
}

// Among those that are built in, which keep their order, the others by their priorities.
void Catalog::place_groups(std::vector<PlacedGroup> added) {
  std::ranges::stable_sort(added, std::greater(), &PlacedGroup::second);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  auto next = added.begin();
  const auto place_above = [&](std::int64_t priority) {
    for (; next != added.end() && next->second > priority; ++next) {
      group_names_.push_back(next->first);
    }
  };
  for (const std::string_view name : api::builtin_schema().groups()) {
    // What makes groups known comes first of those that have a name.
    if (!name.empty() && name != kApiRegistration) {
      least = std::min(least, api_priorities(name, "v1", false).group);
      place_above(least);
    }
    group_names_.push_back(name);
  }
  place_above(std::numeric_limits<std::int64_t>::min());
}

// Those that are built in first, in their order.
void Catalog::add_versions(Group& group, std::string_view name) {
  const auto known = api::builtin_schema().versions(name);
  std::map<std::string_view, std::int64_t> added;
  for (const ResourceInfo* resource : group.custom) {
    added[resource->version] = api_priorities(name, resource->version, true).version;
  }
  for (const RemoteVersion* remote : group.remote) {
    const RemoteVersion::Place& place = remote->place();
    if (!is_builtin(name, place.version)) added[place.version] = place.version_priority;
  }
  std::vector<std::pair<std::string_view, std::int64_t>> more(added.begin(), added.end());
  std::ranges::sort(more, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : api::is_preferred_version(a.first, b.first);
  });
  group.versions.assign(known.begin(), known.end());
  for (const auto& [version, priority] : more) group.versions.push_back(version);
}

const ResourceInfo* Catalog::find_resource(std::string_view group, std::string_view version,
                                           std::string_view name) const {
  const ResourceInfo* found = api::builtin_schema().find_resource(group, version, name);
  if (found != nullptr && found->enabled) return found;
  const auto custom = groups_.find(group);
  if (custom == groups_.end()) return found;
  for (const ResourceInfo* resource : custom->second.custom) {
    if (resource->version == version && resource->name == name) return resource;
  }
  return found;
}

const ResourceInfo* Catalog::find_kind(std::string_view group, std::string_view version,
                                       std::string_view kind) const {
  const ResourceInfo* found = api::builtin_schema().find_kind(group, version, kind);
  if (found != nullptr && found->enabled) return found;
  const auto custom = groups_.find(group);
  if (custom == groups_.end()) return found;
  for (const ResourceInfo* resource : custom->second.custom) {
    if (resource->version == version && resource->kind == kind) return resource;
  }
  return found;
}

const api::TypeInfo* Catalog::find_type(std::string_view group, std::string_view version,
                                        std::string_view name) const {
  return api::builtin_schema().find_type(group, version, name);
}

std::span<const std::string_view> Catalog::versions(std::string_view group) const {
  const auto found = groups_.find(group);
  if (found != groups_.end()) return found->second.versions;
  return api::builtin_schema().versions(group);
}

bool Catalog::is_served(std::string_view group, std::string_view version) const {
  const auto all = versions(group);
  return std::ranges::find(all, version) != all.end();
}

std::vector<const ResourceInfo*> Catalog::resources(std::string_view group,
                                                    std::string_view version) const {
  std::vector<const ResourceInfo*> found;
  for (const ResourceInfo& resource : api::builtin_schema().resources) {
    if (resource.enabled && resource.group == group && resource.version == version) {
      found.push_back(&resource);
    }
  }
  const auto custom = groups_.find(group);
  if (custom != groups_.end()) {
    for (const ResourceInfo* resource : custom->second.custom) {
      if (resource->version == version &&
          find_resource(group, version, resource->name) == resource) {
        found.push_back(resource);
      }
    }
  }
  std::ranges::sort(found, {}, [](const ResourceInfo* resource) { return resource->name; });
  return found;
}

const RemoteVersion* Catalog::find_remote(std::string_view group, std::string_view version) const {
  const auto found = groups_.find(group);
  if (found == groups_.end()) return nullptr;
  for (const RemoteVersion* remote : found->second.remote) {
    if (remote->place().version == version) return remote;
  }
  return nullptr;
}

std::vector<const ResourceInfo*> Catalog::listed_resources(std::string_view group,
                                                           std::string_view version) const {
  const RemoteVersion* remote = find_remote(group, version);
  if (remote == nullptr) return resources(group, version);
  std::vector<const ResourceInfo*> listed;
  for (const ResourceInfo& resource : remote->resources()) listed.push_back(&resource);
  return listed;
}

bool Catalog::has_custom(std::string_view group, std::string_view version) const {
  const auto found = groups_.find(group);
  return found != groups_.end() &&
         std::ranges::any_of(found->second.custom, [&](const ResourceInfo* resource) {
           return resource->version == version;
         });
}

}  // namespace pinnace::apiserver
