// RemoteVersion is a group and version that another server serves: what its discovery says of it.
//
// Lifetime: immutable; catalogs hold it.
// Errors: 400 for a document that is no APIResourceList of this group and version.
// Bounds: kMaxRemoteResources resources; what is beyond is left out.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kMaxRemoteResources = 1000;

class RemoteVersion {
 public:
  struct Place {
    std::string group, version;
    std::int64_t group_priority = 0, version_priority = 0;
  };
  static Result<std::shared_ptr<const RemoteVersion>> parse(Place place,
                                                            std::string_view resource_list_json);

  // Of a server that does not answer now: what it said last, "" where it never said anything.
  static std::shared_ptr<const RemoteVersion> stale(Place place, std::string_view last_said);

  const Place& place() const { return place_; }
  bool is_stale() const { return is_stale_; }
  std::span<const api::ResourceInfo> resources() const { return resources_; }

 private:
  RemoteVersion() = default;
  Result<void> take(std::string_view resource_list_json);
  std::span<const std::string_view> words(const api::Value* list);
  void add(const api::Value& entry);
  void add_subresources(std::span<const api::Value> entries);

  Place place_;
  bool is_stale_ = false;
  api::Arena arena_;  // Holds the texts.
  std::vector<api::ResourceInfo> resources_;
  std::vector<std::unique_ptr<std::vector<std::string_view>>> word_lists_;
  std::vector<std::unique_ptr<std::vector<api::SubresourceInfo>>> subresource_lists_;
};
using RemoteVersionRef = std::shared_ptr<const RemoteVersion>;

}  // namespace pinnace::apiserver
