// RetryAfter is how long whoever is refused is asked to stay away: a second, and twice as long
// again and again while many are refused.
//
// Units: seconds. Bounds: between 1 and kMostSeconds.
// Threads: one at a time.
// Source: k8s.io/apiserver, the tracker of dropped requests.
#pragma once

#include <array>
#include <cstdint>

namespace pinnace::apiserver::fairness {

class RetryAfter {
 public:
  static constexpr std::int64_t kMostSeconds = 32;

  // One more is refused, at this second of a clock that does not go back.
  void note(std::int64_t second) {
    Slot& slot = slots_[static_cast<std::size_t>(second) % slots_.size()];
    if (slot.second == second) {
      ++slot.refused;
      return;
    }
    slot = {second, 1};
    adapt(second);
  }
  std::int64_t seconds() const { return seconds_; }

 private:
  struct Slot {
    std::int64_t second = -kMostSeconds - 1;
    std::int64_t refused = 0;
  };
  // By the last `seconds_` whole seconds. Three a second are many: to refuse is the last resort of
  // a level that has queues. It grows at most once in its own time, and shrinks second by second.
  void adapt(std::int64_t now) {
    std::int64_t refused = 0;
    for (const Slot& slot : slots_) {
      if (slot.second < now && now - slot.second <= seconds_) refused += slot.refused;
    }
    if (now - grown_ >= seconds_ && refused >= 3 * seconds_) {
      seconds_ = seconds_ * 2 < kMostSeconds ? seconds_ * 2 : kMostSeconds;
      grown_ = now;
    } else if (refused < seconds_ && seconds_ > 1) {
      --seconds_;
    }
  }

  std::array<Slot, kMostSeconds + 2> slots_;
  std::int64_t seconds_ = 1;
  std::int64_t grown_ = -kMostSeconds - 1;
};

}  // namespace pinnace::apiserver::fairness
