// SimExecutor is an Executor and Clock whose time moves only when it is told to.
//
// Why: five minutes pass in a test by `advance(std::chrono::minutes(5))`, always in the same order.
// Threads: `post`, `schedule_after`, `cancel` and the clock from any; `advance` and
//   `run_until_idle` from the one that is the executor's thread.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace pinnace::io {

class SimExecutor : public Executor, public Clock {
 public:
  // Wall time begins at 2026-01-01T00:00:00Z if not told otherwise.
  SimExecutor();
  explicit SimExecutor(WallTime start);

  void post(std::function<void()> work) override;
  TimerId schedule_after(Duration delay, std::function<void()> work) override;
  void cancel(TimerId id) override;
  const Clock& clock() const override { return *this; }
  WallTime wall() const override;
  MonotonicTime monotonic() const override;

  // Runs what is posted or due, and what that posts, until nothing is left to do now.
  void run_until_idle();
  // Lets time pass, stopping at each timer on the way to run it and what it posts.
  void advance(Duration duration);
  // Goes to the next timer, however far; false if there is none.
  bool advance_to_next_timer();
  std::size_t pending_timers() const;

 private:
  bool run_one();

  const WallTime start_;
  mutable std::mutex mutex_;
  MonotonicTime now_;
  std::deque<std::function<void()>> posted_;
  std::map<std::pair<MonotonicTime, TimerId>, std::function<void()>> timers_;
  std::unordered_map<TimerId, MonotonicTime> due_;
  TimerId last_timer_ = 0;
};

}  // namespace pinnace::io
