#include "store/follower.h"

#include <vector>

namespace pinnace::store {
namespace {

constexpr std::size_t kEventsAtOnce = 512;

}  // namespace

bool Follower::catch_up(const Restart& restart, const Change& change) {
  if (watcher_ && read_events(change)) return true;
  const auto snapshot = store_.list(resource_, "");
  if (!snapshot) return false;
  restart(*snapshot);
  open(snapshot->revision);
  return true;
}

bool Follower::take_changes() {
  bool has_changed = false;
  if (watcher_ && read_events([&](const Event&) { has_changed = true; })) return has_changed;
  open(store_.revision());
  return true;
}

bool Follower::read_events(const Change& change) {
  std::vector<Event> events;
  do {
    events.clear();
    if (!watcher_->next(events, kEventsAtOnce)) {
      watcher_.reset();
      return false;
    }
    for (const Event& event : events) change(event);
  } while (events.size() == kEventsAtOnce);
  return true;
}

// Whoever waits for `wake` without a watch would wait for ever: the next call begins again.
void Follower::open(Revision after) {
  auto watcher = store_.watch(resource_, "", after, wake_);
  watcher_ = watcher ? std::move(*watcher) : nullptr;
  if (!watcher_) wake_();
}

}  // namespace pinnace::store
