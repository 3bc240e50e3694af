// StopSignal lets what waits for a time end early when the agent stops.
//
// Threads: any.
#pragma once

#include <condition_variable>
#include <mutex>

#include "base/clock.h"

namespace pinnace::kubelet {

class StopSignal {
 public:
  void give() {
    const std::lock_guard lock(mutex_);
    given_ = true;
    changed_.notify_all();
  }
  bool given() const {
    const std::lock_guard lock(mutex_);
    return given_;
  }
  void wait_for(Duration limit) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, limit, [this] { return given_; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool given_ = false;
};

}  // namespace pinnace::kubelet
