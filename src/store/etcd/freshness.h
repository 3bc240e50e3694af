// Freshness lets readers wait until the cache has every write that was acknowledged before.
//
// How: it asks the cluster for its revision by a read that a majority agrees on, once for all who
//   came while the last question was open, and waits until the watch has brought the cache there.
//   A revision that was none of ours (etcd may be shared) does not come by the watch: then a write
//   of the tick key does, and stands after it.
// Why not progress notifications: before 3.4.25 and 3.5.8 etcd sends them ahead of events that are
//   still on their way (etcd-io/etcd#15220).
// Threads: any. `ready` runs on a thread of the client, of the executor, or on the caller's.
// Bounds: `max_waiting` callers; more get 503. Nobody waits longer than `timeout`.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "store/etcd/layout.h"
#include "store/history.h"

namespace pinnace::store::etcd {

class Freshness : public std::enable_shared_from_this<Freshness> {
 public:
  using Ready = std::function<void(Result<void>)>;
  struct Options {
    std::shared_ptr<Client> client;
    Layout layout;
    std::shared_ptr<const History> history;
    Executor& executor;
    Duration timeout;
    std::size_t max_waiting = 10'000;
    // The watch does not bring what is there: it may hang.
    std::function<void()> on_stall;
  };
  explicit Freshness(Options options) : options_(std::move(options)) {}

  void when_current(Ready ready);
  void when_reached(Revision revision, Ready ready);
  // The history has moved on.
  void advanced();
  // Fails those who wait, and all later ones.
  void stop();

 private:
  struct Waiter {
    MonotonicTime since;
    Ready ready;
  };
  // Needs the mutex, and gives it up.
  void ask(std::unique_lock<std::mutex> lock);
  void answered(std::vector<Waiter> asked, const Result<RangeAnswer>& answer);
  void wait_until(Revision revision, Waiter waiter);
  void arm();  // Needs the mutex.
  void sweep();
  void tick();

  const Options options_;
  std::mutex mutex_;
  std::vector<Waiter> unasked_;  // For the next question.
  std::multimap<Revision, Waiter> waiting_;
  std::size_t asked_ = 0;
  bool is_asking_ = false, is_armed_ = false, is_ticking_ = false, is_stopped_ = false;
  MonotonicTime stalled_at_;
};

}  // namespace pinnace::store::etcd
