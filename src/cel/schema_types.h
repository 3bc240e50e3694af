// Types of API objects: from the OpenAPI schema of a CustomResourceDefinition, or from the schema
// tables of a built-in kind.
//
// Bounds: maxLength, maxItems and maxProperties become the types' max_elements; where there is
//   none, what fits into a request of 3 MiB.
// Source: k8s.io/apiserver/pkg/cel/common/schemas.go.
#pragma once

#include <string_view>

#include "api/schema.h"
#include "api/value.h"
#include "cel/types.h"

namespace pinnace::cel {

// The type of what a structural schema (JSONSchemaProps) describes; nullptr where expressions
// cannot see it, such as objects of which nothing is known. Object types are named after `name`.
// The root of a resource also has apiVersion, kind, metadata.name and metadata.generateName.
const Type* schema_type(TypePool& types, const api::Value& schema, std::string_view name,
                        bool is_resource_root = false);

// The type of whole objects of a custom kind, with all of the metadata that any kind has.
const Type* custom_kind_type(TypePool& types, const api::Value& schema, std::string_view kind);

// The type of a built-in kind. Fields that hold anything are dyn.
const Type* kind_type(TypePool& types, const api::TypeInfo& kind);

}  // namespace pinnace::cel
