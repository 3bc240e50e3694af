// What a CustomResourceDefinition may say, in the words of Kubernetes.
//
// Why apart from the strategy: pure, from an object and its old state.
// Source: kubernetes.io/docs/reference/kubernetes-api/extend-resources/
//   custom-resource-definition-v1; the texts of k8s.io/apiextensions-apiserver.
#pragma once

#include <string>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct DefinitionDemands {
  // Written as v1beta1, which asked for no schema, and let one keep unknown fields.
  bool is_old = false;
};

void validate_definition(std::vector<Cause>& causes, const api::Value& definition,
                         const DefinitionDemands& demands);
// What `old` had already is not asked of `definition`.
void validate_definition_update(std::vector<Cause>& causes, const api::Value& definition,
                                const api::Value& old, const DefinitionDemands& demands);
void validate_definition_status(std::vector<Cause>& causes, const api::Value& definition);

// The formats of texts in its schemas that Kubernetes does not know.
std::vector<std::string> unknown_formats_of(const api::Value& definition);

}  // namespace pinnace::apiserver
