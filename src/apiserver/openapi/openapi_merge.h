// MergedOpenApi is what other servers' OpenAPI v2 documents add to ours: their paths, and the
// definitions that these refer to, under names that mean one thing only.
//
// Shape: a definition that is another one's namesake and differs from it, by more than the kinds
//   that it stands for, becomes NAME_v2, or the next number that is free, with all that refers to
//   it. Of paths that two have the first one's counts, ours before all.
// Lifetime: refers to the documents.
// Threads: one thread.
// Source: kube-openapi's aggregator, which merges so.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "api/value.h"
#include "apiserver/aggregation/remote_openapi.h"

namespace pinnace::apiserver {

class MergedOpenApi {
 public:
  // Our own definition of that name, if there is one.
  using OwnDefinition = std::function<std::optional<api::Value>(const std::string& name)>;
  MergedOpenApi(const RemoteOpenApis& remotes, const std::set<std::string_view>& own_paths,
                const OwnDefinition& own_definition);

  const std::map<std::string_view, api::Value>& paths() const { return paths_; }
  const std::map<std::string, api::Value>& definitions() const { return definitions_; }

 private:
  using Names = std::map<std::string_view, std::string>;
  Names new_names(const RemoteOpenApi& remote, const OwnDefinition& own_definition);
  api::Value renamed(const api::Value& value, const Names& names);

  api::Arena arena_;
  std::map<std::string_view, api::Value> paths_;
  std::map<std::string, api::Value> definitions_;
};

}  // namespace pinnace::apiserver
