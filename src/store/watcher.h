// HistoryWatcher is a cursor in one resource's ring.
//
// Why two flags: `pending` keeps the cursor at the first event that concerns the watcher, so that a
//   quiet namespace in a busy resource never falls off the ring; `armed` lets the writer wake a
//   reader once per `next`, however many events came.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "store/event_ring.h"
#include "store/history.h"
#include "store/store.h"

namespace pinnace::store {

// Small, as there may be tens of thousands.
class WatcherState {
 public:
  WatcherState(std::function<void()> wake, Revision after_revision)
      : after(after_revision), position(after_revision), wake_(std::move(wake)) {}

  // The writer changes these with the history's lock held; the reader with it held for reading,
  // and there is one reader.
  EventRing::Sequence cursor = 0;
  const Revision after;
  Revision position;
  std::uint32_t slot = 0;  // Among the watchers of its namespace; with the lock held.
  bool pending = false;    // Something at or after `cursor` may concern this watcher.
  bool armed = true;       // The reader wants to be woken.

  // The writer's thread.
  void call_wake();
  // After it returns nobody is woken, except that the wake which closes it goes on.
  void close();

 private:
  std::atomic<bool> closed_{false};
  std::atomic<std::thread::id> waking_{std::thread::id()};  // The thread that is in `wake_`.
  const std::function<void()> wake_;
};

class HistoryWatcher final : public Watcher {
 public:
  HistoryWatcher(std::shared_ptr<History> history, std::shared_ptr<WatcherState> state,
                 History::Resource& resource, const std::string& ns)
      : history_(std::move(history)), state_(std::move(state)), resource_(resource), ns_(ns) {}
  ~HistoryWatcher() override;
  Result<void> next(std::vector<Event>& out, std::size_t max) override;
  Revision position() const override;

 private:
  const std::shared_ptr<History> history_;
  const std::shared_ptr<WatcherState> state_;
  History::Resource& resource_;  // The history never drops one.
  const std::string& ns_;        // Where its watchers stand; they are there as long as this one.
};

}  // namespace pinnace::store
