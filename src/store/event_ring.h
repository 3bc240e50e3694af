// EventRing keeps the latest events of one resource, oldest first, numbered without gaps.
//
// Bounds: `max_events` and `max_bytes` of JSON; `trim` drops the oldest past either, in strides so
//   that the journal is told about many drops at once.
// Threads: none of its own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "store/store.h"

namespace pinnace::store {

class EventRing {
 public:
  // Position of an event since the ring was made; never reused.
  using Sequence = std::uint64_t;

  Sequence first() const { return first_; }
  Sequence end() const { return first_ + events_.size(); }
  bool empty() const { return events_.empty(); }
  const Event& at(Sequence sequence) const {
    return events_[static_cast<std::size_t>(sequence - first_)];
  }
  // The same version of the event's object, kept in another way.
  void set_object(Sequence sequence, ObjectRef object) {
    events_[static_cast<std::size_t>(sequence - first_)].object = std::move(object);
  }
  // The sequence of the first event with revision > `after`.
  Sequence first_after(Revision after) const {
    const auto found = std::partition_point(
        events_.begin(), events_.end(), [&](const Event& each) { return each.revision <= after; });
    return first_ + static_cast<std::uint64_t>(found - events_.begin());
  }
  // Events up to this revision are not kept any more.
  Revision floor() const { return floor_; }
  void set_floor(Revision floor) { floor_ = floor; }

  // Forgets everything up to `floor`. Cursors from before find themselves passed.
  void clear(Revision floor) {
    first_ = end() + 1;
    events_.clear();
    bytes_ = 0;
    floor_ = floor;
  }

  void push(Event event) {
    bytes_ += weight(event);
    events_.push_back(std::move(event));
  }
  // Drops what is too much, calling `dropped(event)` for each from the oldest.
  template <typename Dropped>
  void trim(std::size_t max_events, std::size_t max_bytes, const Dropped& dropped) {
    if (events_.size() <= max_events + max_events / 16 && bytes_ <= max_bytes + max_bytes / 16) {
      return;
    }
    while (!events_.empty() && (events_.size() > max_events || bytes_ > max_bytes)) {
      Event& oldest = events_.front();
      bytes_ -= weight(oldest);
      floor_ = oldest.revision;
      dropped(oldest);
      events_.pop_front();
      ++first_;
    }
  }

 private:
  static std::size_t weight(const Event& event) { return event.object->json.size() + 256; }
  std::deque<Event> events_;
  Sequence first_ = 0;
  std::size_t bytes_ = 0;
  Revision floor_ = 0;
};

}  // namespace pinnace::store
