// What the schema of a custom kind may say: the rules of structural schemas, and those of each of
// Kubernetes' extensions to OpenAPI.
//
// Bounds: recursion is bounded by the depth of the definition, which its parser bounds.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Specifying a structural
//   schema"; the texts of k8s.io/apiextensions-apiserver.
#pragma once

#include "api/structural/schema.h"
#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

struct SchemaDemands {
  bool is_structural = true;
  // Types must be those that there are, and what is not supported must not be there.
  bool is_strict = true;
};

// `schema` is a version's openAPIV3Schema. Complains where it stands.
void validate_schema(const Field& schema, const SchemaDemands& demands);

}  // namespace pinnace::apiserver
