// Paths as rules and selectable fields name them: ".spec.replicas", ".labels['a.b']".
//
// Bounds: linear in the path; the schema's depth bounds the steps.
// Source: k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel, ValidFieldPath.
#pragma once

#include <string>
#include <string_view>

#include "api/value.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct FieldPath {
  std::string text;  // "spec.labels[a.b]", as complaints write it.
  std::string root;  // "spec"
  const api::Value* schema = nullptr;
};

// Where `path` leads in a structural schema; 400 with a message when nowhere.
Result<FieldPath> follow_field_path(std::string_view path, const api::Value& schema,
                                    bool allows_brackets = true);

}  // namespace pinnace::apiserver
