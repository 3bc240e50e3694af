// PINNACE_ASSERT stops the process when an invariant of our own code is broken.
//
// It is for mistakes of ours, never for input: input that is wrong gets an Error.
#pragma once

namespace pinnace {
[[noreturn, gnu::cold]] void assertion_failed(const char* expression, const char* file, int line);
}

#define PINNACE_ASSERT(expression)     \
  ((expression) ? static_cast<void>(0) \
                : ::pinnace::assertion_failed(#expression, __FILE__, __LINE__))
