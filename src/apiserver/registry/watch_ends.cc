#include "apiserver/registry/watch_ends.h"

#include <utility>
#include <vector>

namespace pinnace::apiserver {

void WatchEnds::add(std::shared_ptr<Ending> who, Duration after) {
  const std::lock_guard lock(mutex_);
  Ending& ending = *who;
  ending.at_ = waiting_.emplace(executor_.clock().monotonic() + after, std::move(who));
  ending.waits_ = true;
  arm();
}

void WatchEnds::remove(Ending& who) {
  const std::lock_guard lock(mutex_);
  if (std::exchange(who.waits_, false)) waiting_.erase(who.at_);
}

// A timer that comes too early sets the next one.
void WatchEnds::arm() {
  if (waiting_.empty()) return;
  const MonotonicTime next = waiting_.begin()->first;
  if (armed_ && *armed_ <= next) return;
  armed_ = next;
  executor_.schedule_after(next - executor_.clock().monotonic(), [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->look();
  });
}

void WatchEnds::look() {
  std::vector<std::shared_ptr<Ending>> due;
  {
    const std::lock_guard lock(mutex_);
    armed_.reset();
    const MonotonicTime now = executor_.clock().monotonic();
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
      auto node = waiting_.extract(waiting_.begin());
      node.mapped()->waits_ = false;
      due.push_back(std::move(node.mapped()));
    }
    arm();
  }
  for (const auto& each : due) each->end();
}

}  // namespace pinnace::apiserver
