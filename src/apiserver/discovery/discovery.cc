#include "apiserver/discovery/discovery.h"

#include <algorithm>
#include <span>
#include <utility>
#include <vector>

#include "api/json.h"
#include "api/protobuf.h"
#include "api/value.h"
#include "api/yaml.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/registry/registry.h"
#include "base/strings.h"
#include "net/digest.h"

namespace pinnace::apiserver {
namespace {

using api::Arena;
using api::ResourceInfo;
using api::SubresourceInfo;
using api::Value;

Value text(std::string_view value) { return Value::string_ref(value); }

Value words(Arena& arena, std::span<const std::string_view> list) {
  Value array = Value::array();
  for (std::string_view word : list) array.append(arena, text(word));
  return array;
}

std::string group_version_text(std::string_view group, std::string_view version) {
  return group.empty() ? std::string(version) : std::string(group) + "/" + std::string(version);
}

Value head(Arena& arena, std::string_view kind, std::string_view api_version) {
  Value object = Value::object();
  object.set_ref(arena, "kind", text(kind));
  object.set_ref(arena, "apiVersion", text(api_version));
  return object;
}

Value group_value(Arena& arena, const Catalog& catalog, std::string_view group) {
  Value object = Value::object();
  object.set_ref(arena, "name", text(group));
  Value versions = Value::array();
  for (std::string_view version : catalog.versions(group)) {
    Value entry = Value::object();
    entry.set_ref(arena, "groupVersion", Value::string(arena, group_version_text(group, version)));
    entry.set_ref(arena, "version", text(version));
    versions.append(arena, entry);
  }
  object.set_ref(arena, "versions", versions);
  object.set_ref(arena, "preferredVersion", versions.items()[0]);
  return object;
}

// Groups with a name and something to serve.
std::vector<std::string_view> named_groups(const Catalog& catalog) {
  std::vector<std::string_view> groups;
  for (std::string_view group : catalog.groups()) {
    if (!group.empty() && !catalog.versions(group).empty()) groups.push_back(group);
  }
  return groups;
}

// A kind whose definition is on its way out takes nothing new.
std::span<const std::string_view> verbs_of(const ResourceInfo& resource) {
  static constexpr std::string_view kLast[] = {"delete", "deletecollection", "get", "list",
                                               "watch"};
  const bool is_going = resource.custom != nullptr && resource.custom->kind->is_terminating();
  return is_going ? std::span<const std::string_view>(kLast) : resource.verbs;
}

// Names the version in which objects are kept; it differs when that changes. "" for what is not.
// Source: StorageVersionHash of k8s.io/apiserver.
std::string storage_version_hash(const ResourceInfo& resource) {
  constexpr std::size_t kBytes = 8;
  const ResourceInfo* kept = resource.custom == nullptr
                                 ? storage_of(resource)
                                 : &resource.custom->kind->storage_version().resource;
  if (kept == nullptr) return {};
  const std::string text =
      std::string(kept->group) + "/" + std::string(kept->version) + "/" + std::string(kept->kind);
  return base64_encode(net::sha256(text).substr(0, kBytes));
}

Value plain_resource(Arena& arena, const ResourceInfo& resource) {
  Value object = Value::object();
  object.set_ref(arena, "name", text(resource.name));
  object.set_ref(arena, "singularName", text(resource.singular));
  object.set_ref(arena, "namespaced", Value::boolean(resource.namespaced));
  object.set_ref(arena, "kind", text(resource.kind));
  object.set_ref(arena, "verbs", words(arena, verbs_of(resource)));
  if (!resource.short_names.empty()) {
    object.set_ref(arena, "shortNames", words(arena, resource.short_names));
  }
  if (!resource.categories.empty()) {
    object.set_ref(arena, "categories", words(arena, resource.categories));
  }
  if (const std::string hash = storage_version_hash(resource); !hash.empty()) {
    object.set_ref(arena, "storageVersionHash", Value::string(arena, hash));
  }
  return object;
}

Value plain_subresource(Arena& arena, const ResourceInfo& resource, const SubresourceInfo& sub) {
  Value object = Value::object();
  const std::string name = std::string(resource.name) + "/" + std::string(sub.name);
  object.set_ref(arena, "name", Value::string(arena, name));
  object.set_ref(arena, "singularName", text(""));
  object.set_ref(arena, "namespaced", Value::boolean(resource.namespaced));
  if (sub.group != resource.group || sub.version != resource.version) {
    if (!sub.group.empty()) object.set_ref(arena, "group", text(sub.group));
    object.set_ref(arena, "version", text(sub.version));
  }
  object.set_ref(arena, "kind", text(sub.kind));
  object.set_ref(arena, "verbs", words(arena, sub.verbs));
  return object;
}

constexpr std::string_view kDiscoveryGroup = "apidiscovery.k8s.io";
constexpr std::string_view kAggregatedList = "APIGroupDiscoveryList";

// Of one range of an Accept header.
std::optional<Media> media_of(std::string_view type) {
  if (equal_ignoring_case(type, "application/json") || type == "*/*" || type == "application/*") {
    return Media::kJson;
  }
  if (equal_ignoring_case(type, "application/yaml")) return Media::kYaml;
  if (equal_ignoring_case(type, "application/vnd.kubernetes.protobuf")) return Media::kProtobuf;
  return std::nullopt;
}

Value response_kind(Arena& arena, std::string_view group, std::string_view version,
                    std::string_view kind) {
  Value object = Value::object();
  object.set_ref(arena, "group", text(group));
  object.set_ref(arena, "version", text(version));
  object.set_ref(arena, "kind", text(kind));
  return object;
}

// What is built in says so only where it is not that of the version which it stands below.
Value response_kind(Arena& arena, const ResourceInfo& resource, std::string_view group,
                    std::string_view version, std::string_view kind) {
  const bool is_own = group == resource.group && version == resource.version;
  return is_own && resource.custom == nullptr ? response_kind(arena, "", "", kind)
                                              : response_kind(arena, group, version, kind);
}

Value aggregated_resource(Arena& arena, const ResourceInfo& resource) {
  Value object = Value::object();
  object.set_ref(arena, "resource", text(resource.name));
  object.set_ref(arena, "responseKind",
                 response_kind(arena, resource, resource.group, resource.version, resource.kind));
  object.set_ref(arena, "scope", text(resource.namespaced ? "Namespaced" : "Cluster"));
  object.set_ref(arena, "singularResource", text(resource.singular));
  object.set_ref(arena, "verbs", words(arena, verbs_of(resource)));
  if (!resource.short_names.empty()) {
    object.set_ref(arena, "shortNames", words(arena, resource.short_names));
  }
  if (!resource.categories.empty()) {
    object.set_ref(arena, "categories", words(arena, resource.categories));
  }
  Value subresources = Value::array();
  for (const SubresourceInfo& sub : resource.subresources) {
    Value entry = Value::object();
    entry.set_ref(arena, "subresource", text(sub.name));
    entry.set_ref(arena, "responseKind",
                  response_kind(arena, resource, sub.group, sub.version, sub.kind));
    entry.set_ref(arena, "verbs", words(arena, sub.verbs));
    subresources.append(arena, entry);
  }
  if (!subresources.empty()) object.set_ref(arena, "subresources", subresources);
  return object;
}

Value aggregated_group(Arena& arena, const Catalog& catalog, std::string_view group) {
  Value object = Value::object();
  Value metadata = Value::object();
  if (!group.empty()) metadata.set_ref(arena, "name", text(group));
  object.set_ref(arena, "metadata", metadata);
  Value versions = Value::array();
  for (std::string_view version : catalog.versions(group)) {
    Value entry = Value::object();
    entry.set_ref(arena, "version", text(version));
    Value resources = Value::array();
    for (const ResourceInfo* resource : catalog.listed_resources(group, version)) {
      resources.append(arena, aggregated_resource(arena, *resource));
    }
    entry.set_ref(arena, "resources", resources);
    const RemoteVersion* remote = catalog.find_remote(group, version);
    const bool is_stale = remote != nullptr && remote->is_stale();
    entry.set_ref(arena, "freshness", text(is_stale ? "Stale" : "Current"));
    versions.append(arena, entry);
  }
  object.set_ref(arena, "versions", versions);
  return object;
}

}  // namespace

std::string api_versions_json(std::string_view server_address) {
  Arena arena;
  Value object = Value::object();
  object.set_ref(arena, "kind", text("APIVersions"));
  object.set_ref(arena, "versions", Value::array()).append(arena, text("v1"));
  Value address = Value::object();
  address.set_ref(arena, "clientCIDR", text("0.0.0.0/0"));
  address.set_ref(arena, "serverAddress", text(server_address));
  object.set_ref(arena, "serverAddressByClientCIDRs", Value::array()).append(arena, address);
  return api::to_json_text(object);
}

std::string api_group_list_json(const Catalog& catalog) {
  Arena arena;
  Value object = head(arena, "APIGroupList", "v1");
  Value groups = Value::array();
  for (std::string_view group : named_groups(catalog)) {
    groups.append(arena, group_value(arena, catalog, group));
  }
  object.set_ref(arena, "groups", groups);
  return api::to_json_text(object);
}

std::optional<std::string> api_group_json(const Catalog& catalog, std::string_view group) {
  if (group.empty() || catalog.versions(group).empty()) return std::nullopt;
  Arena arena;
  Value object = head(arena, "APIGroup", "v1");
  const Value value = group_value(arena, catalog, group);
  for (const api::Member& member : value.members()) object.add_ref(arena, member.key, member.value);
  return api::to_json_text(object);
}

std::optional<std::string> api_resource_list_json(const Catalog& catalog, std::string_view group,
                                                  std::string_view version) {
  if (!catalog.is_served(group, version)) return std::nullopt;
  Arena arena;
  Value object = head(arena, "APIResourceList", "v1");
  // Older than versions of such lists: that of the core group says none.
  if (group.empty()) object.erase("apiVersion");
  object.set_ref(arena, "groupVersion", Value::string(arena, group_version_text(group, version)));
  Value list = Value::array();
  for (const ResourceInfo* resource : catalog.listed_resources(group, version)) {
    list.append(arena, plain_resource(arena, *resource));
    for (const SubresourceInfo& sub : resource->subresources) {
      list.append(arena, plain_subresource(arena, *resource, sub));
    }
  }
  object.set_ref(arena, "resources", list);
  return api::to_json_text(object);
}

std::optional<Media> aggregated_discovery_wanted(std::string_view accept) {
  // In the client's order; clients that want it put it before plain JSON.
  for (const std::string_view range : split(accept, ',')) {
    std::string_view group, version, kind;
    std::optional<Media> media;
    bool first = true;
    for (std::string_view part : split(range, ';')) {
      part = trim(part);
      if (std::exchange(first, false)) {
        media = media_of(part);
        continue;
      }
      if (part.starts_with("g=")) group = part.substr(2);
      if (part.starts_with("v=")) version = part.substr(2);
      if (part.starts_with("as=")) kind = part.substr(3);
    }
    if (!media) continue;
    if (kind.empty()) return std::nullopt;
    const bool is_ours = kind == kAggregatedList && group == kDiscoveryGroup && version == "v2";
    if (is_ours) return media;
  }
  return std::nullopt;
}

std::string aggregated_discovery_content_type(Media media) {
  return content_type_of(media, false) + ";g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
}

std::string aggregated_discovery(const Catalog& catalog, bool legacy, Media media) {
  Arena arena(256 * 1024);
  Value object = head(arena, kAggregatedList, "apidiscovery.k8s.io/v2");
  object.set_ref(arena, "metadata", Value::object());
  Value items = Value::array();
  const std::vector<std::string_view> groups =
      legacy ? std::vector<std::string_view>{""} : named_groups(catalog);
  for (std::string_view group : groups)
    items.append(arena, aggregated_group(arena, catalog, group));
  object.set_ref(arena, "items", items);
  if (media == Media::kYaml) return api::to_yaml_text(object);
  if (media == Media::kJson) return api::to_json_text(object);
  std::string bytes;
  api::encode_protobuf_object(
      bytes, object, *api::builtin_schema().find_type(kDiscoveryGroup, "v2", kAggregatedList));
  return bytes;
}

std::string root_paths_json(const Catalog& catalog, std::span<const std::string_view> more) {
  std::vector<std::string> paths = {"/api", "/api/v1", "/apis"};
  for (std::string_view group : named_groups(catalog)) {
    paths.push_back("/apis/" + std::string(group));
    for (std::string_view version : catalog.versions(group)) {
      paths.push_back("/apis/" + group_version_text(group, version));
    }
  }
  paths.insert(paths.end(), more.begin(), more.end());
  std::ranges::sort(paths);
  Arena arena;
  Value list = Value::array();
  for (const std::string& path : paths) list.append(arena, text(path));
  Value object = Value::object();
  object.set_ref(arena, "paths", list);
  return api::to_json_text(object);
}

}  // namespace pinnace::apiserver
