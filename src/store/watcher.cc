#include "store/watcher.h"

#include <algorithm>
#include <shared_mutex>

namespace pinnace::store {

// Whoever closes it sees that the writer is in `wake_`, or the writer sees that it is closed.
void WatcherState::call_wake() {
  waking_ = std::this_thread::get_id();
  if (!closed_ && wake_) wake_();
  waking_ = std::thread::id();
  waking_.notify_all();
}

void WatcherState::close() {
  closed_ = true;
  const std::thread::id none, here = std::this_thread::get_id();
  for (auto who = waking_.load(); who != none && who != here; who = waking_.load()) {
    waking_.wait(who);
  }
}

HistoryWatcher::~HistoryWatcher() {
  history_->remove(state_, resource_, ns_);
  state_->close();
}

Result<void> HistoryWatcher::next(std::vector<Event>& out, std::size_t max) {
  const std::shared_lock lock(history_->lock_);
  const EventRing& ring = resource_.ring;
  WatcherState& state = *state_;
  state.armed = true;
  if (!state.pending) return {};
  if (state.cursor < ring.first()) {
    return errors::expired("too old resource version: " + std::to_string(state.position) + " (" +
                           std::to_string(ring.floor()) + ")");
  }
  std::size_t given = 0;
  while (state.cursor < ring.end() && given < max) {
    const Event& event = ring.at(state.cursor++);
    state.position = event.revision;
    if (event.revision <= state.after || (!ns_.empty() && event.object->key.ns != ns_)) continue;
    out.push_back(event);
    ++given;
  }
  state.pending = state.cursor < ring.end();
  return {};
}

Revision HistoryWatcher::position() const {
  const std::shared_lock lock(history_->lock_);
  const EventRing& ring = resource_.ring;
  WatcherState& state = *state_;
  if (!state.pending) {
    state.position = history_->revision();
  } else if (state.cursor >= ring.first()) {
    state.position = std::max(state.position, ring.at(state.cursor).revision - 1);
  }
  return std::max(state.position, state.after);
}

}  // namespace pinnace::store
