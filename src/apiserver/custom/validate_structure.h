// Whether a schema is structural, in the words of Kubernetes.
//
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources, "Specifying a structural
//   schema"; the texts of k8s.io/apiextensions-apiserver.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

// What a structural schema cannot hold at all, or "".
std::string unsupported_of(const api::Value& schema);

// What keeps a schema that stands at `path` from being structural, in the order of the texts.
std::vector<Cause> structural_complaints(const api::Value& schema, std::string_view path);

inline bool is_structural(const api::Value& schema) {
  return unsupported_of(schema).empty() && structural_complaints(schema, "").empty();
}

}  // namespace pinnace::apiserver
