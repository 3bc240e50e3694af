// Planner does ahead of time what does not depend on variables: literal lists and maps, conversions
// of literals, patterns of literals, membership in literal lists.
//
// Errors: literals that can never work (a pattern, a duration, a timestamp) are reported.
#pragma once

#include <memory>
#include <string_view>

#include "cel/internal/program_data.h"
#include "cel/internal/source.h"

namespace pinnace::cel::internal {

void plan(Expr* expr, ProgramData& program, Source& source);

// With library/regex.cc: a pattern that is known ahead. nullptr when it is none, and what is wrong.
std::unique_ptr<Prepared> prepare_pattern(std::string_view pattern, std::string* error);

}  // namespace pinnace::cel::internal
