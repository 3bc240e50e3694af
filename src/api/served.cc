#include "api/served.h"

#include <algorithm>
#include <optional>

#include "api/version_order.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

constexpr std::string_view kAll = "api/all";

constexpr struct {
  std::string_view key;
  Stability stability;
} kByStability[] = {{"api/ga", Stability::kStable},
                    {"api/beta", Stability::kBeta},
                    {"api/alpha", Stability::kAlpha}};

// Whether this server may serve it at all: metrics are served by another one behind it.
bool is_ours(const ResourceInfo& info) { return info.group != "metrics.k8s.io"; }

// A key that names a group and version, and perhaps a resource of it.
struct Target {
  std::string group, version, resource;
  bool includes(const ResourceInfo& info) const {
    return is_ours(info) && info.group == group && info.version == version &&
           (resource.empty() || info.name == resource);
  }
};

std::optional<Target> target_of(std::string_view key) {
  auto parts = split(key, '/');
  if (parts.size() > 1 && parts[0] == "api") parts.erase(parts.begin());
  if (!parts.empty() && version_rank(parts[0])) parts.insert(parts.begin(), "");
  if (parts.size() < 2 || parts.size() > 3) return std::nullopt;
  return Target{std::string(parts[0]), std::string(parts[1]),
                parts.size() == 3 ? std::string(parts[2]) : ""};
}

bool is_general(std::string_view key) {
  return key == kAll || std::ranges::find(kByStability, key, [](const auto& each) {
                          return each.key;
                        }) != std::end(kByStability);
}

const bool* find_switch(const RuntimeConfig& config, std::string_view key) {
  const auto found = config.find(std::string(key));
  return found == config.end() ? nullptr : &found->second;
}

void apply_general(const RuntimeConfig& config, ResourceInfo& info) {
  if (const bool* on = find_switch(config, kAll)) info.enabled = *on;
  const auto rank = version_rank(info.version);
  for (const auto& [key, stability] : kByStability) {
    const bool* on = find_switch(config, key);
    if (on != nullptr && rank && rank->stability == stability) info.enabled = *on;
  }
}

}  // namespace

Result<ServedSchema> ServedSchema::create(const Schema& built, const RuntimeConfig& config) {
  ServedSchema made;
  made.resources_.assign(built.resources.begin(), built.resources.end());
  for (ResourceInfo& info : made.resources_) {
    if (is_ours(info)) apply_general(config, info);
  }
  // Those of resources come last: they are narrower than those of their versions.
  std::vector<std::pair<Target, bool>> targets;
  for (const auto& [key, on] : config) {
    if (is_general(key)) continue;
    auto target = target_of(key);
    if (!target) {
      return errors::bad_request("\"" + key +
                                 "\" is none of api/all, api/ga, api/beta, api/alpha, "
                                 "GROUP/VERSION and GROUP/VERSION/RESOURCE");
    }
    targets.emplace_back(std::move(*target), on);
  }
  std::ranges::stable_sort(targets, {},
                           [](const auto& each) { return !each.first.resource.empty(); });
  for (const auto& [target, on] : targets) {
    bool is_known = false;
    for (ResourceInfo& info : made.resources_) {
      if (!target.includes(info)) continue;
      info.enabled = on;
      is_known = true;
    }
    if (is_known) continue;
    return errors::bad_request(
        "there is no " + (target.group.empty() ? "" : target.group + "/") + target.version +
        (target.resource.empty() ? "" : "/" + target.resource) + " that could be switched");
  }
  if (std::ranges::none_of(made.resources_, &ResourceInfo::enabled)) {
    return errors::bad_request("nothing would be served; name what is to stay, as api/v1=true");
  }
  made.list_groups(built);
  return made;
}

// Groups and versions that are served by default keep their places.
void ServedSchema::list_groups(const Schema& built) {
  for (const std::string_view name : built.groups()) groups_.push_back({name, {}});
  for (Group& group : groups_) {
    for (const std::string_view version : built.versions(group.name)) {
      const auto is_on = [&](const ResourceInfo& info) {
        return info.enabled && info.group == group.name && info.version == version;
      };
      if (std::ranges::any_of(resources_, is_on)) group.versions.push_back(version);
    }
  }
  for (const ResourceInfo& info : resources_) {
    if (!info.enabled) continue;
    auto group = std::ranges::find(groups_, info.group, &Group::name);
    if (group == groups_.end()) group = groups_.insert(group, {info.group, {}});
    auto& versions = group->versions;
    if (std::ranges::find(versions, info.version) != versions.end()) continue;
    const auto less = std::ranges::find_if(versions, [&](std::string_view other) {
      return is_preferred_version(info.version, other);
    });
    versions.insert(less, info.version);
  }
  std::erase_if(groups_, [](const Group& group) { return group.versions.empty(); });
  for (const Group& group : groups_) {
    group_infos_.push_back({group.name, group.versions});
    group_names_.push_back(group.name);
  }
}

Schema ServedSchema::schema(const Schema& built) const {
  return {built.types, resources_, group_infos_, group_names_};
}

}  // namespace pinnace::api
