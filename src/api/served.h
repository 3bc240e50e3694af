// Which versions of the built-in kinds are served, as kube-apiserver's --runtime-config says it.
//
// Why for the whole process: requests, discovery, documents and control loops look at one schema,
//   and what is served is settled before any of them begins.
// Source: k8s.io/apiserver/pkg/server/resourceconfig.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "api/schema.h"
#include "base/error.h"

namespace pinnace::api {

// What is on or off, by key: "api/all"; "api/ga", "api/beta" and "api/alpha" for all that is as
// mature; "GROUP/VERSION", where that of the core is "v1" or "api/v1"; "GROUP/VERSION/RESOURCE".
// The narrower key counts, whatever the order.
using RuntimeConfig = std::map<std::string, bool>;

class ServedSchema {
 public:
  // `built` with other versions on and off. 400 naming a key that stands for nothing, and where
  // nothing would be left.
  static Result<ServedSchema> create(const Schema& built, const RuntimeConfig& config);
  ServedSchema(ServedSchema&&) = default;

  // Refers to what is kept here.
  Schema schema(const Schema& built) const;

 private:
  ServedSchema() = default;
  struct Group {
    std::string_view name;
    std::vector<std::string_view> versions;
  };
  void list_groups(const Schema& built);

  std::vector<ResourceInfo> resources_;  // In the order of those that are built in.
  std::vector<Group> groups_;
  std::vector<GroupInfo> group_infos_;
  std::vector<std::string_view> group_names_;
};

// `builtin_schema` is this from now on. To be called once, before anything looks at it.
void serve(ServedSchema served);

}  // namespace pinnace::api
