// The paths of a group and version as both OpenAPI versions describe them: operations, parameters,
// bodies and answers.
//
// Lifetime: refers to the Catalog.
// Source: kubernetes.io/docs/reference/using-api/api-concepts.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/catalog/catalog.h"

namespace pinnace::apiserver {

struct ApiParameter {
  std::string_view name;
  std::string_view type;  // "string", "integer", "boolean"
  std::string_view doc;
  bool is_in_path = false;  // Otherwise in the query.
};

struct ApiOperation {
  enum class Content { kObject, kList, kDiscovery, kLog, kJson, kKeySet, kText };
  std::string_view method;  // "get", "put", ...
  std::string_view action;  // x-kubernetes-action: "list", "post", ...; empty: none
  std::string id;           // "listAppsV1NamespacedDeployment"
  std::string doc;
  std::string tag;  // "apps_v1"
  std::vector<ApiParameter> parameters;
  const api::TypeInfo* body = nullptr;
  const api::TypeInfo* answer = nullptr;  // Null: a text.
  Content content = Content::kObject;
  std::span<const std::string_view> statuses;  // "200", "201", ...
  bool is_custom = false;  // On a custom kind, which takes no strategic merge patches.
  // What it is about; an empty kind: nothing.
  std::string_view group, version, kind;
};

struct ApiPath {
  std::string path;  // "/apis/apps/v1/namespaces/{namespace}/deployments"
  std::vector<ApiParameter> parameters;
  std::vector<ApiOperation> operations;
};

std::vector<ApiPath> api_paths(const Catalog& catalog, std::string_view group,
                               std::string_view version);
// What is not of one version: "/api/", "/apis/apps/", the keys of the issuer of service accounts.
std::vector<ApiPath> discovery_paths(const Catalog& catalog);
// "/api/v1", "/apis/apps/v1"
std::string version_path(std::string_view group, std::string_view version);

// Media types of patches, of what a request may have, and of answers.
std::span<const std::string_view> patch_media_types(const ApiOperation& operation);
std::span<const std::string_view> body_media_types(const ApiOperation& operation);
std::span<const std::string_view> answer_media_types(const ApiOperation& operation);
// "OK", "Created", ...
std::string_view status_text(std::string_view status);

}  // namespace pinnace::apiserver
