#include "io/sim_executor.h"

#include <algorithm>

namespace pinnace::io {

namespace {
constexpr WallTime kDefaultStart{std::chrono::seconds(1'767'225'600)};
}

SimExecutor::SimExecutor() : SimExecutor(kDefaultStart) {}

SimExecutor::SimExecutor(WallTime start) : start_(start) {}

void SimExecutor::post(std::function<void()> work) {
  std::lock_guard lock(mutex_);
  posted_.push_back(std::move(work));
}

Executor::TimerId SimExecutor::schedule_after(Duration delay, std::function<void()> work) {
  std::lock_guard lock(mutex_);
  TimerId id = ++last_timer_;
  MonotonicTime due = now_ + std::max(delay, Duration::zero());
  timers_.emplace(std::pair(due, id), std::move(work));
  due_.emplace(id, due);
  return id;
}

void SimExecutor::cancel(TimerId id) {
  std::function<void()> dropped;
  std::lock_guard lock(mutex_);
  auto found = due_.find(id);
  if (found == due_.end()) return;
  auto timer = timers_.find(std::pair(found->second, id));
  dropped.swap(timer->second);
  timers_.erase(timer);
  due_.erase(found);
}

WallTime SimExecutor::wall() const {
  std::lock_guard lock(mutex_);
  return start_ + Duration(now_.nanoseconds);
}

MonotonicTime SimExecutor::monotonic() const {
  std::lock_guard lock(mutex_);
  return now_;
}

bool SimExecutor::run_one() {
  std::function<void()> work;
  {
    std::lock_guard lock(mutex_);
    if (!posted_.empty()) {
      work = std::move(posted_.front());
      posted_.pop_front();
    } else if (!timers_.empty() && timers_.begin()->first.first <= now_) {
      auto first = timers_.begin();
      work = std::move(first->second);
      due_.erase(first->first.second);
      timers_.erase(first);
    } else {
      return false;
    }
  }
  work();
  return true;
}

void SimExecutor::run_until_idle() {
  while (run_one()) {
  }
}

void SimExecutor::advance(Duration duration) {
  run_until_idle();
  MonotonicTime end = monotonic() + duration;
  while (true) {
    {
      std::lock_guard lock(mutex_);
      if (timers_.empty() || timers_.begin()->first.first > end) {
        now_ = std::max(now_, end);
        break;
      }
      now_ = std::max(now_, timers_.begin()->first.first);
    }
    run_until_idle();
  }
  run_until_idle();
}

bool SimExecutor::advance_to_next_timer() {
  run_until_idle();
  {
    std::lock_guard lock(mutex_);
    if (timers_.empty()) return false;
    now_ = std::max(now_, timers_.begin()->first.first);
  }
  run_until_idle();
  return true;
}

std::size_t SimExecutor::pending_timers() const {
  std::lock_guard lock(mutex_);
  return timers_.size();
}

}  // namespace pinnace::io
