// While a WakeBatch lives, loops to which its thread posts are not woken; they are when it ends,
// each once. So a loop that sleeps does all that a crowd of posts gives it in one go.
//
// Threads: its own, which must not wait for a loop meanwhile. It may stand within another.
#pragma once

namespace pinnace::io {

class WakeBatch {
 public:
  WakeBatch();
  ~WakeBatch();
  WakeBatch(const WakeBatch&) = delete;
};

}  // namespace pinnace::io
