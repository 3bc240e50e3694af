// Level is one priority level at work: its queue set behind a lock, with a timer and its counts.
//
// Threads: any. What a decision calls runs after the lock is let go, on the thread that caused it.
// Lifetime: behind a shared_ptr that every Turn holds; one that is no longer configured goes on
//   with the seats it has until its last request is over.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "apiserver/fairness/allocation.h"
#include "apiserver/fairness/level_use.h"
#include "apiserver/fairness/model.h"
#include "apiserver/fairness/queue_set.h"
#include "apiserver/fairness/retry_after.h"
#include "base/clock.h"

namespace pinnace::apiserver::fairness {

class Level : public std::enable_shared_from_this<Level> {
 public:
  Level(const PriorityLevel& settings, Duration max_wait, Executor& executor, LevelUse use);

  // As QueueSet::arrive.
  std::optional<Outcome> admit(Place& place, const std::function<Place::Decided()>& when_waiting);
  // The request is over: gives its seats back if it has any. How long it had them.
  Duration give_back(Place& place);
  // It does not wait any more: who waits for it is told kCancelled.
  void leave(Place& place);
  // Everyone that waits leaves.
  void close();

  void configure(const PriorityLevel& settings);
  void set_seats(std::uint32_t seats);
  Demand::Summary take_demand();
  // Brings the histograms of its use up to date.
  void publish();

  const std::string& name() const { return name_; }
  // How long one who was just refused is to stay away.
  std::int64_t retry_after_seconds() const;
  bool is_idle() const;

  struct Counts {
    std::uint64_t served = 0, refused = 0, timed_out = 0, cancelled = 0;
  };
  // For people: `look` sees the queues and must not call back.
  void inspect(const std::function<void(const QueueSet&, const Counts&)>& look) const;

 private:
  QueueSet::Options options_of(const PriorityLevel& settings) const;
  // Runs `work` under the lock and tells what it decided after it.
  template <typename Work>
  auto locked(Work work);
  void count(Outcome outcome);
  void arm();  // Needs the lock.

  const std::string name_;
  const Duration max_wait_;
  Executor& executor_;
  mutable std::mutex mutex_;
  QueueSet queues_;
  Demand demand_;
  LevelUse use_;
  Counts counts_;
  RetryAfter retry_after_;
  std::optional<MonotonicTime> armed_;
};
using LevelRef = std::shared_ptr<Level>;

}  // namespace pinnace::apiserver::fairness
