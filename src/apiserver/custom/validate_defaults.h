// What the defaults of a structural schema must be, in the words of Kubernetes: what would be
// stored, as it stands.
//
// Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting.
#pragma once

#include <string>
#include <vector>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

// `is_pruned`: whether they may hold only what the schema knows.
void validate_defaults(std::vector<Cause>& causes, const api::Value& schema,
                       const std::string& path, bool is_pruned);

// Whether there is one that holds more.
bool has_unpruned_defaults(const api::Value& schema);

}  // namespace pinnace::apiserver
