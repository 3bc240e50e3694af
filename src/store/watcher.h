// HistoryWatcher is a cursor in one resource's ring.
//
// Why two flags: `pending` keeps the cursor at the first event that concerns the watcher, so that a
//   quiet namespace in a busy resource never falls off the ring; `armed` lets the writer wake a
//   reader once per `next`, however many events came.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "store/event_ring.h"
#include "store/history.h"
#include "store/store.h"

namespace pinnace::store {

class WatcherState {
 public:
  WatcherState(std::function<void()> wake, Revision after_revision)
      : after(after_revision), position(after_revision), wake_(std::move(wake)) {}

  // The writer changes these with the history's lock held; the reader with it held for reading,
  // and there is one reader.
  EventRing::Sequence cursor = 0;
  bool pending = false;  // Something at or after `cursor` may concern this watcher.
  bool armed = true;     // The reader wants to be woken.
  const Revision after;
  Revision position;
  std::size_t slot = 0;  // Among the watchers of its namespace; with the lock held.

  void call_wake() {
    const std::lock_guard lock(wake_mutex_);
    if (!closed_ && wake_) wake_();
  }
  void close() {
    const std::lock_guard lock(wake_mutex_);
    closed_ = true;
  }

 private:
  std::recursive_mutex wake_mutex_;  // `wake` may destroy the watcher.
  bool closed_ = false;
  std::function<void()> wake_;
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
