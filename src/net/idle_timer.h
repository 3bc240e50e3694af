// IdleTimer calls once nothing has been touched for so long.
//
// Why: streams move often, so `touch` only notes the time; the timer looks at it when it is due.
// Threads: the loop's. Lifetime: no call after its destruction, which is on the loop too.
#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "base/clock.h"
#include "io/loop.h"

namespace pinnace::net {

class IdleTimer {
 public:
  IdleTimer(io::Loop& loop, Duration limit, std::function<void()> idle)
      : loop_(loop), limit_(limit), idle_(std::move(idle)) {
    touch();
    look_after(limit_);
  }
  ~IdleTimer() { loop_.cancel(timer_); }
  IdleTimer(const IdleTimer&) = delete;

  void touch() { touched_ = loop_.clock().monotonic(); }

 private:
  void look_after(Duration delay) {
    timer_ = loop_.schedule_after(delay, [this] {
      const Duration idle = loop_.clock().monotonic() - touched_;
      if (idle < limit_) return look_after(limit_ - idle);
      const auto call = idle_;  // It may destroy us.
      call();
    });
  }

  io::Loop& loop_;
  const Duration limit_;
  const std::function<void()> idle_;
  MonotonicTime touched_;
  Executor::TimerId timer_ = 0;
};

}  // namespace pinnace::net
