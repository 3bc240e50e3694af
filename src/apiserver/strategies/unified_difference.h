// What differs between two values, as Kubernetes shows it in messages about what may not change:
// both as indented JSON in their internal form, compared line by line.
//
// Bounds: looks at the first 2,000 lines of each.
// Source: k8s.io/apimachinery/pkg/util/diff; Python's difflib, which Go's copies.
#pragma once

#include <string>

#include "api/schema.h"
#include "api/value.h"

namespace pinnace::apiserver {

std::string unified_difference(const api::Value& before, const api::Value& after,
                               const api::TypeInfo& type);
// The same of texts that end with a line break.
std::string unified_difference(std::string_view before, std::string_view after);

}  // namespace pinnace::apiserver
