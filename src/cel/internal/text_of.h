// The texts that string() gives for simple values.
#pragma once

#include <string>

#include "cel/value.h"

namespace pinnace::cel::internal {

// Of booleans, numbers, texts, durations and timestamps; "" for others.
std::string text_of(const Value& value);
// The shortest text that reads back as the number, in the way of Go's %g: 1, 1.5, 1e+06, +Inf.
std::string text_of_double(double number);

}  // namespace pinnace::cel::internal
