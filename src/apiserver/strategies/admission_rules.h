// What the configurations of webhooks and the admission policies share: rules, and expressions.
#pragma once

#include <string_view>

#include "apiserver/strategies/field.h"
#include "cel/admission.h"

namespace pinnace::apiserver {

// What an expression must give, as the checker knows it: `dyn` is nothing of this.
enum class Returns { kAnything, kBool, kText, kTextOrNull, kObject, kPatches };

// Complains at `place`, where the expression stands, which may be with white space around `text`.
Result<cel::Program> validate_expression(const Field& place, std::string_view text,
                                         const cel::Environment& environment, Returns returns);
// matchConditions
void validate_conditions(const Field& conditions, const cel::Environment& environment);
// One of `rules`, `resourceRules` or `excludeResourceRules`.
void validate_rule(const Field& rule);

}  // namespace pinnace::apiserver
