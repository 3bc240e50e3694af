// RemoteOpenApi is what another server says in OpenAPI of one group and version that it serves: the
// part of its v2 document that is about these paths, and where its v3 document is.
//
// Shape: only what the schemas of OpenAPI v2 have, each member of the type that it has there:
//   whoever writes it need not look. References to parameters are replaced by what they refer to;
//   those to definitions lead to one that is there, or are gone.
// Lifetime: immutable; holds its texts.
// Errors: none. A document that cannot be understood, or is too large, is as good as none.
// Bounds: kMaxRemoteOpenApiBytes for each document, kMaxRemoteOpenApiDepth levels in it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kMaxRemoteOpenApiBytes = 4 << 20;
inline constexpr int kMaxRemoteOpenApiDepth = 64;

class RemoteOpenApi {
 public:
  // Of the documents /openapi/v2 and /openapi/v3, the index; either may be empty.
  static std::shared_ptr<const RemoteOpenApi> parse(std::string_view group,
                                                    std::string_view version,
                                                    std::string_view v2_json,
                                                    std::string_view v3_index_json);

  const std::string& group() const { return group_; }
  const std::string& version() const { return version_; }
  // Objects: path → path item, name → schema.
  const api::Value& paths() const { return paths_; }
  const api::Value& definitions() const { return definitions_; }
  // "/openapi/v3/apis/GROUP/VERSION?hash=..."; empty when the server has no such document.
  const std::string& v3_url() const { return v3_url_; }

 private:
  RemoteOpenApi() = default;
  void read_v2(std::string_view json);
  void read_v3(std::string_view index_json);

  std::string group_, version_, v3_url_;
  api::Arena arena_;
  api::Value paths_ = api::Value::object(), definitions_ = api::Value::object();
};
using RemoteOpenApiRef = std::shared_ptr<const RemoteOpenApi>;
using RemoteOpenApis = std::vector<RemoteOpenApiRef>;
using RemoteOpenApisRef = std::shared_ptr<const RemoteOpenApis>;

}  // namespace pinnace::apiserver
