// WatchEnds tells watches that their time is up.
//
// Why: there may be tens of thousands, of half an hour or more each; one timer serves all of them.
// Lifetime: behind a shared_ptr; outlives who waits.
// Threads: any. Bounds: as many wait as there are watches.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "base/clock.h"

namespace pinnace::apiserver {

class Ending;

class WatchEnds : public std::enable_shared_from_this<WatchEnds> {
 public:
  explicit WatchEnds(Executor& executor) : executor_(executor) {}

  // It is told of its end once, unless it is removed before; once at most.
  void add(std::shared_ptr<Ending> who, Duration after);
  // For one that was never added, too. It may be told of its end still, if that is under way.
  void remove(Ending& who);

 private:
  friend class Ending;
  using Queue = std::multimap<MonotonicTime, std::shared_ptr<Ending>>;
  void arm();  // Needs the lock.
  void look();

  Executor& executor_;
  std::mutex mutex_;
  Queue waiting_;
  std::optional<MonotonicTime> armed_;
};

// Who waits for its end.
class Ending {
 public:
  virtual ~Ending() = default;
  virtual void end() = 0;  // Any thread; no lock is held.

 private:
  friend class WatchEnds;
  // With the queue's lock held.
  WatchEnds::Queue::iterator at_;
  bool waits_ = false;
};

}  // namespace pinnace::apiserver
