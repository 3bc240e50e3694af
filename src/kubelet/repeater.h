// Repeater does a piece of work on a pool again and again, and at once when it is woken.
//
// Threads: any; the work runs one at a time. Bounds: however often it is woken meanwhile, it runs
//   once more. Lifetime: nothing runs after `stop` but work that has begun: the pool's `stop` waits
//   for it.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "kubelet/thread_pool.h"

namespace pinnace::kubelet {

class Repeater {
 public:
  // `work` returns how long to wait before the next time.
  Repeater(Executor& executor, ThreadPool& pool, std::function<Duration()> work);
  ~Repeater();
  void wake();
  void stop();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::kubelet
