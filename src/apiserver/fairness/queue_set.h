// QueueSet shares out the seats of one priority level among its flows: what does not fit waits in
// queues, and whoever has had least is next.
//
// How: a flow's hash deals it a hand of queues, and a request joins the one with the least work in
//   it, so that a flood fills its own hand only. Queues are served in the order of virtual time: a
//   queue that is served has its next turn later by the work of what was served (seats times time),
//   estimated at first and corrected when the request ends. A queue with nothing to do has no past:
//   it begins where the clock of all stands.
// Units: virtual time is seat-seconds that each busy queue has had.
// Bounds: `queue_length` requests wait in each queue; the rest is refused. `max_wait` in a queue,
//   then refused. At most kMaxQueues queues, whatever is configured. Who holds seats is bounded by
//   the seats, but where nobody is made to wait.
// Cost: a request that need not wait costs one hand, and no memory; one that waits, a look at every
//   queue when it is served.
// Pure: time is handed in and never goes back. Threads: one at a time.
// Source: KEP-1040 (API priority and fairness); "fair queuing" of Demers, Keshav and Shenker.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "apiserver/fairness/chain.h"
#include "base/clock.h"

namespace pinnace::apiserver {
struct Call;
}

namespace pinnace::apiserver::fairness {

// What a request takes: seats while it is served, and others for a while after its answer (watchers
// that a write wakes).
struct Width {
  std::uint32_t seats = 1;
  std::uint32_t final_seats = 0;
  Duration final_time{0};

  // What it holds as long as it holds any: seats that came only at its end could overrun.
  std::uint32_t most() const { return std::max(seats, final_seats); }
};

enum class Outcome : std::uint8_t {
  kServe,
  kQueueFull,
  kTimedOut,          // It waited too long.
  kConcurrencyLimit,  // All seats are taken, and there is no queue.
  kCancelled,         // It went away while it waited.
};
inline constexpr std::size_t kOutcomes = 5;

// One request's place in a QueueSet. It stays where it is from `arrive` until it is over.
class Place {
 public:
  enum class State : std::uint8_t { kNew, kWaiting, kServed, kOver };
  // Called once, when it is known what becomes of a request that waited.
  using Decided = std::function<void(Outcome)>;

  Place() = default;
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  std::uint64_t flow = 0;
  Width width;
  const Call* call = nullptr;  // Whose it is, for people who look.

  State state() const { return state_; }
  MonotonicTime arrived() const { return arrived_; }
  MonotonicTime began() const { return began_; }
  std::int32_t queue() const { return queue_; }  // -1: none
  // How many its queue had when it had joined it.
  std::size_t queue_length() const { return queue_length_; }

 private:
  friend class QueueSet;
  State state_ = State::kNew;
  std::int32_t queue_ = -1;
  std::uint32_t era_ = 0;  // Of the queues that `queue_` counts in.
  std::size_t queue_length_ = 0;
  MonotonicTime arrived_, began_;
  Decided decided_;
  Link<Place> in_queue_;  // Among those that wait in its queue.
  Link<Place> in_state_;  // Among all that wait, or all that are served.
};

class QueueSet {
 public:
  static constexpr std::uint32_t kMaxQueues = 4096;
  struct Options {
    bool is_exempt = false;    // Everybody is served at once.
    std::uint32_t queues = 0;  // 0: nothing waits (LimitResponse Reject)
    std::uint32_t hand_size = 1;
    std::uint32_t queue_length = 50;
    Duration max_wait = std::chrono::seconds(15);
  };

  explicit QueueSet(Options options);

  // Seats from now on.
  void set_seats(std::uint32_t seats, MonotonicTime now);
  // What waits in queues that there will not be moves to those that stay; with none it is served
  // or refused as if it came now.
  void set_options(Options options, MonotonicTime now);

  // Served or refused at once, or (nothing) it waits, and what `when_waiting` makes is told later.
  std::optional<Outcome> arrive(Place& place, MonotonicTime now,
                                const std::function<Place::Decided()>& when_waiting);
  // A served request is answered. Its final seats are held for their time; see `next_tick`.
  void end(Place& place, MonotonicTime now);
  // A request that waits has gone away, and is told kCancelled; false if it does not wait.
  bool leave(Place& place, MonotonicTime now);
  // Whoever waits is told kCancelled.
  void cancel_all(MonotonicTime now);
  // Ends what has waited too long, frees final seats, and serves what fits.
  void tick(MonotonicTime now);
  // When `tick` has something to do next; nothing: not before something else happens.
  std::optional<MonotonicTime> next_tick() const;

  // What was decided about those that waited since the last call; to be told in this order.
  using Decisions = std::vector<std::pair<Place::Decided, Outcome>>;
  Decisions take_decisions() { return std::exchange(decisions_, {}); }
  bool has_decisions() const { return !decisions_.empty(); }

  std::uint32_t seats() const { return seats_; }
  std::uint32_t seats_in_use() const { return in_use_; }
  std::size_t waiting() const { return waiting_.size(); }
  // How many may wait; 1 where nobody may.
  std::size_t room() const {
    return std::max<std::size_t>(
        1, std::size_t{options_.queue_length} * std::max<std::size_t>(1, queues_.size()));
  }
  std::size_t serving() const { return served_.size(); }
  // Seats that are taken or wanted now: what borrowing goes by.
  std::uint32_t demand() const { return in_use_ + seats_waiting_; }

  // For people.
  struct QueueView {
    std::size_t waiting, serving;
    std::uint32_t seats_held, seats_waiting, most_seats_waiting;
    double next_turn, work_waiting;
  };
  std::vector<QueueView> view() const;
  template <typename Visit>
  void each_waiting(Visit visit) const {
    waiting_.each(visit);
  }
  template <typename Visit>
  void each_served(Visit visit) const {
    served_.each(visit);
  }

 private:
  struct Queue {
    Chain<Place, &Place::in_queue_> waiting;
    double next_turn = 0;     // In virtual time: when its first request would begin.
    double work_waiting = 0;  // Seat-seconds, guessed.
    std::uint32_t serving = 0;
    std::uint32_t seats_held = 0;
    bool is_idle() const { return serving == 0 && waiting.empty(); }
  };
  void advance(MonotonicTime now);
  bool fits(std::uint32_t seats) const;
  std::uint32_t choose(std::uint64_t flow) const;
  Queue* queue_of(const Place& place);
  void wake_queue(Queue& queue);
  void rest_queue(const Queue& queue);
  void serve(Place& place, MonotonicTime now);
  void wait_in(Place& place, std::uint32_t index);
  void stop_waiting(Place& place);
  void decide(Place& place, Outcome outcome);
  std::optional<std::uint32_t> next_queue();
  void dispatch(MonotonicTime now);

  Options options_;
  std::vector<Queue> queues_;
  std::uint32_t era_ = 0;
  std::uint32_t seats_ = 0, in_use_ = 0, seats_waiting_ = 0;
  std::uint32_t busy_queues_ = 0;
  std::uint32_t last_queue_ = 0;
  double virtual_time_ = 0;
  MonotonicTime clock_;
  Chain<Place, &Place::in_state_> waiting_, served_;              // The oldest first.
  std::deque<std::pair<MonotonicTime, std::uint32_t>> releases_;  // Final seats, by time.
  Decisions decisions_;
};

}  // namespace pinnace::apiserver::fairness
