// The OpenAPI v3 document of one group and version: all its types, and its paths.
//
// Why: kubectl explains kinds from it, merges patches by it, and looks in its PATCH operations for
//   the parameter `fieldValidation` before it lets the server check fields.
// Threads: pure functions over the schema; a document takes milliseconds and up to a megabyte.
// Source: OpenAPI 3.0; kubernetes.io/docs/concepts/overview/kubernetes-api, "OpenAPI V3".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/catalog/catalog.h"
#include "apiserver/openapi/openapi_paths.h"

namespace pinnace::apiserver {

// Of any paths.
std::string openapi_v3_json(const Catalog& catalog, const std::vector<ApiPath>& paths);
// The group and version must be served.
std::string openapi_v3_json(const Catalog& catalog, std::string_view group,
                            std::string_view version);

}  // namespace pinnace::apiserver
