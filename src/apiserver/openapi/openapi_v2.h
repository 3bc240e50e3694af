// The OpenAPI v2 document of the whole API, with what other servers behind this one serve, as JSON
// and in the protobuf form that older clients ask for.
//
// Threads: pure functions over the schema; a document takes milliseconds and some megabytes.
// Source: OpenAPI 2.0; the messages of gnostic's openapi.v2 package.
#pragma once

#include <string>

#include "apiserver/aggregation/remote_openapi.h"
#include "apiserver/catalog/catalog.h"

namespace pinnace::apiserver {

std::string openapi_v2_json(const Catalog& catalog, const RemoteOpenApis& remotes = {});
std::string openapi_v2_protobuf(const Catalog& catalog, const RemoteOpenApis& remotes = {});

}  // namespace pinnace::apiserver
