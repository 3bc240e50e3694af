// Catalog is every resource that the server has at one moment: the built-in ones, those that
// CustomResourceDefinitions add, and those that other servers serve behind this one.
//
// Why immutable: a request, a watch and a document see one state of it from begin to end. A change
//   makes another Catalog, which the CatalogHolder gives to those who come next.
// Lifetime: who keeps a ResourceInfo of a custom kind beyond a call holds on to the Catalog, too;
//   built-in ones live forever. Documents that are made of a Catalog are kept by it and go with it.
// Threads: immutable; any.
// Cost: a built-in resource is found as fast as in the built-in schema, without a look at the rest.
// Bounds: those of CustomKind for each definition, and kMaxCustomKinds of them.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/schema.h"
#include "apiserver/aggregation/remote_version.h"
#include "apiserver/http/document_cache.h"

namespace pinnace::apiserver {

class Catalog;
using CatalogRef = std::shared_ptr<const Catalog>;
class CustomKind;
using CustomKindRef = std::shared_ptr<const CustomKind>;

inline constexpr std::size_t kMaxCustomKinds = 4096;

class Catalog {
 public:
  // Of each group and version the first that has a resource or kind of some name counts. A version
  // that is built in has no custom kinds: a definition's others are served all the same.
  Catalog(Executor& executor, const Clock& clock, std::vector<CustomKindRef> custom_kinds,
          std::vector<RemoteVersionRef> remote_versions = {});

  const api::ResourceInfo* find_resource(std::string_view group, std::string_view version,
                                         std::string_view resource) const;
  const api::ResourceInfo* find_kind(std::string_view group, std::string_view version,
                                     std::string_view kind) const;
  // A built-in type, or one that is shared by all groups.
  const api::TypeInfo* find_type(std::string_view group, std::string_view version,
                                 std::string_view name) const;

  // Every group, in the order of discovery; "" first.
  std::span<const std::string_view> groups() const { return group_names_; }
  // The versions of a group that are served, the preferred one first.
  std::span<const std::string_view> versions(std::string_view group) const;
  bool is_served(std::string_view group, std::string_view version) const;
  // What this server itself serves of a group and version, by name.
  std::vector<const api::ResourceInfo*> resources(std::string_view group,
                                                  std::string_view version) const;
  // What clients are told of a group and version: the above, or what another server says.
  std::vector<const api::ResourceInfo*> listed_resources(std::string_view group,
                                                         std::string_view version) const;
  const RemoteVersion* find_remote(std::string_view group, std::string_view version) const;
  // Whether any of it comes from a definition.
  bool has_custom(std::string_view group, std::string_view version) const;
  std::span<const CustomKindRef> custom_kinds() const { return custom_kinds_; }
  std::span<const RemoteVersionRef> remote_versions() const { return remote_versions_; }

  // Documents about all groups, or about one that has custom kinds.
  DocumentCache& documents() const { return documents_; }

 private:
  struct Group {
    std::vector<std::string_view> versions;
    std::vector<const api::ResourceInfo*> custom;
    std::vector<const RemoteVersion*> remote;
  };
  using PlacedGroup = std::pair<std::string_view, std::int64_t>;  // With its priority.
  void add_versions(Group& group, std::string_view name);
  void place_groups(std::vector<PlacedGroup> added);

  std::vector<CustomKindRef> custom_kinds_;
  std::vector<RemoteVersionRef> remote_versions_;
  std::vector<std::string_view> group_names_;
  std::unordered_map<std::string_view, Group> groups_;
  mutable DocumentCache documents_;
};

// The Catalog of now.
// Threads: any.
class CatalogHolder {
 public:
  CatalogHolder(Executor& executor, const Clock& clock)
      : executor_(executor),
        clock_(clock),
        current_(std::make_shared<Catalog>(executor, clock, std::vector<CustomKindRef>(),
                                           std::vector<RemoteVersionRef>())) {}

  // What Catalog::find_resource says. `keep` is set to the Catalog for what is not built in.
  const api::ResourceInfo* find_resource(std::string_view group, std::string_view version,
                                         std::string_view resource, CatalogRef& keep) const;
  CatalogRef current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }
  // Calls `changed`, for as long as it lives, on any thread after there is another Catalog. It must
  // be short.
  void tell(std::weak_ptr<const std::function<void()>> changed);
  // Each leaves what the other one sets as it is.
  void replace(std::vector<CustomKindRef> custom_kinds);
  void replace_remote(std::vector<RemoteVersionRef> remote_versions);

 private:
  void set(std::vector<CustomKindRef> custom_kinds, std::vector<RemoteVersionRef> remote_versions);

  std::mutex replacing_;  // Held while a Catalog is made.
  Executor& executor_;
  const Clock& clock_;
  mutable std::mutex mutex_;
  CatalogRef current_;
  std::vector<std::weak_ptr<const std::function<void()>>> listeners_;
};

}  // namespace pinnace::apiserver
