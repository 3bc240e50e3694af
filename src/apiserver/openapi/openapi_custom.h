// The OpenAPI schema of a custom kind, from the schema of its definition.
//
// Why from the definition's JSON: what is only for people to read (descriptions, examples) is not
//   kept in memory twice.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Publish validation schema
//   in OpenAPI".
#pragma once

#include "api/value.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/openapi/openapi_schema.h"

namespace pinnace::apiserver {

// Without x-kubernetes-group-version-kind. `metadata` is what refers to ObjectMeta.
api::Value custom_definition(api::Arena& arena, const CustomVersion& version, OpenApi openapi,
                             const api::Value& metadata);

// x-kubernetes-selectable-fields, of the kind and of its list.
void add_selectable_fields(api::Arena& arena, api::Value& definition, const CustomVersion& version);

}  // namespace pinnace::apiserver
