// What the schema of a definition may say, in the words of Kubernetes.
//
// Source: kubernetes.io/docs/tasks/extend-kubernetes/custom-resources; the texts of
//   k8s.io/apiextensions-apiserver.
#pragma once

#include <optional>
#include <string>

#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

// What is asked of a schema; an update asks for less where what was there before falls short.
struct SchemaDemands {
  bool structure = true;
  bool known_types = true;
  bool pruned_defaults = true;
  bool atomic_sets = true;
  bool keyed_items = true;       // Keys of lists of type map are always there, items are no nulls.
  bool affordable_rules = true;  // Each of them; all together always are.
  // Why there may be no defaults, when there may be none.
  std::optional<std::string> no_defaults;
  // What stands at the root must be of use to the status alone.
  bool has_status = false;
};

// `validation` holds an openAPIV3Schema.
void validate_schema(const Field& validation, const SchemaDemands& demands);

// Whether a schema has, there or below, what SchemaDemands asks not to have.
bool has_unknown_types(const api::Value& schema);
bool has_structured_sets(const api::Value& schema);
bool has_unkeyed_items(const api::Value& schema);
// Whether it has what is only for structural schemas.
bool has_extensions(const api::Value& schema);
bool has_defaults(const api::Value& schema);

// The formats of its texts that Kubernetes does not know, in the order in which they are met.
std::vector<std::string> unknown_formats(const api::Value& schema);

}  // namespace pinnace::apiserver
