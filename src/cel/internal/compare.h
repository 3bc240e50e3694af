// The order of values: of numbers whatever their types, and of other values of one type.
#pragma once

#include "cel/value.h"

namespace pinnace::cel::internal {

enum class Order { kLess, kEqual, kGreater, kNone };

// kNone: there is none (NaN, or types that have no order among them).
Order compare(const Value& a, const Value& b);

}  // namespace pinnace::cel::internal
