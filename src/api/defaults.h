// Fills in what the server fills in, by the rules of the version that was written.
//
// Why data: the rules stand in schemas/ beside the types; only those that a line cannot say are
//   functions, in default_rules.cc.
// Source: schemas/README.md "Defaults".
#pragma once

#include "api/schema.h"
#include "api/value.h"

namespace pinnace::api {

// `object` is normalised (object_codec.h) and of `type`; it stays normalised.
void apply_defaults(Arena& arena, Value& object, const TypeInfo& type);

}  // namespace pinnace::api
