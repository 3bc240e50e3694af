#include "apiserver/catalog/catalog.h"

#include <algorithm>
#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>

#include "apiserver/custom/custom_kind.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

using api::ResourceInfo;

// "v2beta3" is {2, kBeta, 3}.
struct VersionRank {
  std::uint64_t major = 0;
  int stability = 0;  // alpha 1, beta 2, neither 3
  std::uint64_t minor = 0;
  auto operator<=>(const VersionRank& other) const {
    return std::tie(stability, major, minor) <=>
           std::tie(other.stability, other.major, other.minor);
  }
};

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::size_t digits = 0;
  while (digits < text.size() && text[digits] >= '0' && text[digits] <= '9') ++digits;
  if (digits == 0 || text[0] == '0') return std::nullopt;
  const auto number = parse_uint(text.substr(0, digits));
  text.remove_prefix(digits);
  return number ? std::optional(*number) : std::nullopt;
}

std::optional<VersionRank> rank_of(std::string_view text) {
  if (!text.starts_with('v')) return std::nullopt;
  text.remove_prefix(1);
  const auto major = take_number(text);
  if (!major) return std::nullopt;
  if (text.empty()) return VersionRank{*major, 3, 0};
  constexpr std::string_view kAlpha = "alpha", kBeta = "beta";
  const bool is_beta = text.starts_with(kBeta);
  if (!is_beta && !text.starts_with(kAlpha)) return std::nullopt;
  text.remove_prefix(is_beta ? kBeta.size() : kAlpha.size());
  const auto minor = take_number(text);
  if (!minor || !text.empty()) return std::nullopt;
  return VersionRank{*major, is_beta ? 2 : 1, *minor};
}

}  // namespace

const ResourceInfo* CatalogHolder::find_resource(std::string_view group, std::string_view version,
                                                 std::string_view name, CatalogRef& keep) const {
  const ResourceInfo* found = api::builtin_schema().find_resource(group, version, name);
  if (found != nullptr && found->enabled) return found;
  keep = current();
  return keep->find_resource(group, version, name);
}

bool is_preferred_version(std::string_view a, std::string_view b) {
  const auto left = rank_of(a), right = rank_of(b);
  if (left.has_value() != right.has_value()) return left.has_value();
  if (!left) return a < b;
  return *left > *right;
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
  std::vector<std::string_view> added;
  for (const CustomKindRef& kind : custom_kinds_) {
    for (const auto& version : kind->versions()) {
      if (!version->is_served) continue;
      const ResourceInfo& resource = version->resource;
      const auto known = builtin.versions(resource.group);
      if (std::ranges::find(known, resource.version) != known.end()) continue;
      auto [at, is_new] = groups_.try_emplace(resource.group);
      at->second.custom.push_back(&resource);
      if (is_new && builtin.versions(resource.group).empty()) added.push_back(resource.group);
    }
  }
  std::ranges::sort(added);
  std::ranges::stable_sort(remote_versions_, std::greater(), [](const RemoteVersionRef& remote) {
    return std::tuple(remote->place().group_priority, remote->place().version_priority);
  });
  for (const RemoteVersionRef& remote : remote_versions_) {
    const std::string_view name = remote->place().group;
    auto [at, is_new] = groups_.try_emplace(name);
    at->second.remote.push_back(remote.get());
    if (is_new && builtin.versions(name).empty()) added.push_back(name);
  }
  for (auto& [name, group] : groups_) add_versions(group, name);
  const auto known = builtin.groups();
  group_names_.assign(known.begin(), known.end());
  for (const std::string_view name : added) {
    if (std::ranges::find(known, name) == known.end()) group_names_.push_back(name);
  }
}

// Those that are built in first, in their order.
void Catalog::add_versions(Group& group, std::string_view name) {
  const auto known = api::builtin_schema().versions(name);
  std::vector<std::string_view> more;
  for (const ResourceInfo* resource : group.custom) {
    const auto is_there = [&](auto list) {
      return std::ranges::find(list, resource->version) != list.end();
    };
    if (!is_there(known) && !is_there(std::span(more))) more.push_back(resource->version);
  }
  std::ranges::sort(more, is_preferred_version);
  group.versions.assign(known.begin(), known.end());
  group.versions.insert(group.versions.end(), more.begin(), more.end());
  for (const RemoteVersion* remote : group.remote) {
    const std::string_view version = remote->place().version;
    if (std::ranges::find(group.versions, version) == group.versions.end()) {
      group.versions.push_back(version);
    }
  }
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
