// Checks a configuration that somebody applies against the schema: every field must be declared, of
// its type, and no item of a set or keyed list may come twice.
//
// Errors: the text that follows Kubernetes' "failed to create typed patch object (...): ".
// Source: sigs.k8s.io/structured-merge-diff, package typed.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/apply/shape.h"

namespace pinnace::api::apply {

// What is wrong, or nothing.
std::optional<std::string> find_fault(Arena& arena, const Shape& shape, const Value& value);
// The same of an object that is there: items may come twice.
std::optional<std::string> find_live_fault(Arena& arena, const Shape& shape, const Value& value);

// The lists, maps and structs of a value that are owned as a whole, such as ".spec.tolerations".
std::vector<std::string> find_atomics(Arena& arena, const Shape& shape, const Value& value);

}  // namespace pinnace::api::apply
