// What the schema says of values, checked for every kind: closed sets, bounds, required texts, and
// what may never change.
//
// Why: no kind is without validation, and a kind's own strategy need not repeat what the data says.
//   It complains only about fields that the strategy left alone: that knows Kubernetes' own words.
// Bounds: visits only fields with a rule; most kinds have few.
#pragma once

#include "api/schema.h"
#include "api/value.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// Adds to `change.causes`. `old` is null at creation. Status and metadata are not looked at.
void validate_by_schema(Change& change, const api::TypeInfo& type, const api::Value& object,
                        const api::Value* old);

}  // namespace pinnace::apiserver
