#include "base/assert.h"

#include <cstdio>
#include <cstdlib>

namespace pinnace {

void assertion_failed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "pinnace: broken invariant at %s:%d: %s\n", file, line, expression);
  std::abort();
}

}  // namespace pinnace
