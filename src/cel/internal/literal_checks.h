// What is asked of literals once the types of an expression are known.
//
// Source: cel-go's validators of homogeneous aggregate literals and of string.format().
#pragma once

#include "cel/internal/ast.h"
#include "cel/internal/source.h"

namespace pinnace::cel::internal {

// Reports items of a list, and keys and values of a map, that are of another type than its first,
// and clauses of a format that their arguments do not fit. What is formatted may mix types.
void check_literals(const Expr& root, Source& source);

}  // namespace pinnace::cel::internal
