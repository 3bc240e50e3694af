// Slow start: many like writes in batches of 1, 2, 4, ..., each batch at once, so that a mistake
// which makes all of them fail costs one request and not hundreds.
#pragma once

#include <algorithm>
#include <cstddef>

#include "base/error.h"
#include "client/fibers.h"

namespace pinnace::controllers {

// Calls `one` up to `count` times; a batch is finished even if one of it fails, later batches are
// then not begun. The first error is the result.
template <typename One>
Result<void> slow_start(std::size_t count, One one) {
  std::size_t batch = 1;
  while (count > 0) {
    batch = std::min(batch, count);
    Result<void> outcome;
    client::Fibers::in_parallel(batch, [&](std::size_t) {
      Result<void> done = one();
      if (!done && outcome) outcome = std::move(done);
    });
    if (!outcome) return outcome;
    count -= batch;
    batch *= 2;
  }
  return {};
}

}  // namespace pinnace::controllers
