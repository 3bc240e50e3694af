#include "store/etcd/freshness.h"

#include <algorithm>
#include <utility>

namespace pinnace::store::etcd {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds kSweep{25};
// A watch that works takes a few milliseconds; after this time somebody else's write is likely.
constexpr milliseconds kTickAfter{50};
constexpr milliseconds kStalledAfter{1500};

Unexpected stopped() { return errors::unavailable("the store is shutting down"); }

}  // namespace

void Freshness::when_current(Ready ready) {
  std::unique_lock lock(mutex_);
  if (is_stopped_) {
    lock.unlock();
    return ready(stopped());
  }
  if (unasked_.size() + asked_ + waiting_.size() >= options_.max_waiting) {
    lock.unlock();
    auto error = errors::unavailable("the store is overloaded: too many reads wait");
    error.error().retry_after_seconds = 1;
    return ready(std::move(error));
  }
  unasked_.push_back({options_.executor.clock().monotonic(), std::move(ready)});
  if (!is_asking_) ask(std::move(lock));
}

void Freshness::ask(std::unique_lock<std::mutex> lock) {
  is_asking_ = true;
  auto asked = std::exchange(unasked_, {});
  asked_ = asked.size();
  lock.unlock();
  options_.client->range(
      {.keys = {options_.layout.own_key(kTick), ""}, .count_only = true},
      [self = shared_from_this(), asked = std::move(asked)](
          const Result<RangeAnswer>& answer) mutable { self->answered(std::move(asked), answer); });
}

void Freshness::answered(std::vector<Waiter> asked, const Result<RangeAnswer>& answer) {
  {
    std::unique_lock lock(mutex_);
    asked_ = 0;
    is_asking_ = false;
    if (!unasked_.empty() && !is_stopped_) ask(std::move(lock));
  }
  for (Waiter& waiter : asked) {
    if (!answer) {
      waiter.ready(std::unexpected(answer.error()));
    } else {
      wait_until(options_.layout.from_etcd(answer->revision), std::move(waiter));
    }
  }
}

void Freshness::when_reached(Revision revision, Ready ready) {
  wait_until(revision, {options_.executor.clock().monotonic(), std::move(ready)});
}

void Freshness::wait_until(Revision revision, Waiter waiter) {
  std::unique_lock lock(mutex_);
  // `advanced` comes after the history has changed, and takes the mutex: it finds us, or we see.
  if (options_.history->revision() >= revision) {
    lock.unlock();
    return waiter.ready({});
  }
  if (is_stopped_) {
    lock.unlock();
    return waiter.ready(stopped());
  }
  waiting_.emplace(revision, std::move(waiter));
  arm();
}

void Freshness::advanced() {
  std::vector<Ready> reached;
  {
    const std::lock_guard lock(mutex_);
    const auto end = waiting_.upper_bound(options_.history->revision());
    for (auto at = waiting_.begin(); at != end; ++at)
      reached.push_back(std::move(at->second.ready));
    waiting_.erase(waiting_.begin(), end);
  }
  for (Ready& ready : reached) ready({});
}

void Freshness::arm() {
  if (is_armed_) return;
  is_armed_ = true;
  options_.executor.schedule_after(kSweep, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->sweep();
  });
}

void Freshness::sweep() {
  std::vector<Ready> late;
  bool ticks = false, stalls = false;
  {
    const std::lock_guard lock(mutex_);
    is_armed_ = false;
    const MonotonicTime now = options_.executor.clock().monotonic();
    Duration longest{};
    for (auto at = waiting_.begin(); at != waiting_.end();) {
      const Duration waited = now - at->second.since;
      longest = std::max(longest, waited);
      if (waited >= options_.timeout) {
        late.push_back(std::move(at->second.ready));
        at = waiting_.erase(at);
      } else {
        ++at;
      }
    }
    if (longest >= kTickAfter) ticks = !std::exchange(is_ticking_, true);
    if (longest >= kStalledAfter && now - stalled_at_ >= kStalledAfter) {
      stalled_at_ = now;
      stalls = true;
    }
    if (!waiting_.empty()) arm();
  }
  for (Ready& ready : late) ready(errors::timeout("etcd's changes do not arrive", 1));
  if (stalls) options_.on_stall();
  if (ticks) tick();
}

void Freshness::tick() {
  options_.client->commit({.puts = {{options_.layout.own_key(kTick), ""}}},
                          [self = shared_from_this()](const Result<TransactionAnswer>& answer) {
                            const auto settled = [self](const Result<void>&) {
                              const std::lock_guard lock(self->mutex_);
                              self->is_ticking_ = false;
                            };
                            if (!answer) return settled({});
                            // While one is on its way another would come no sooner.
                            self->when_reached(self->options_.layout.from_etcd(answer->revision),
                                               settled);
                          });
}

void Freshness::stop() {
  std::vector<Ready> waiting;
  {
    const std::lock_guard lock(mutex_);
    is_stopped_ = true;
    for (Waiter& waiter : std::exchange(unasked_, {})) waiting.push_back(std::move(waiter.ready));
    for (auto& [revision, waiter] : waiting_) waiting.push_back(std::move(waiter.ready));
    waiting_.clear();
  }
  for (Ready& ready : waiting) ready(stopped());
}

}  // namespace pinnace::store::etcd
