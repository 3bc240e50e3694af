#include "client/work_queue.h"

#include <algorithm>
#include <bit>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>

#include "base/log.h"
#include "client/fibers.h"
#include "client/work_queue_metrics.h"

namespace pinnace::client {

namespace {

constexpr Duration kFirstWait = std::chrono::milliseconds(5);
constexpr Duration kLongestWait = std::chrono::seconds(1000);
constexpr Duration kLongestConflictWait = std::chrono::seconds(1);

Duration wait_for(int failures, Retry retry) {
  const Duration longest = retry == Retry::kAfterRead ? kLongestConflictWait : kLongestWait;
  return std::min(longest, kFirstWait * (std::int64_t{1} << std::min(failures, 20)));
}

}  // namespace

struct WorkQueue::State : std::enable_shared_from_this<State> {
  State(Executor& e, Work w, Options o)
      : executor(e), work(std::move(w)), options(std::move(o)), fibers(std::in_place, e) {
    if (options.metrics != nullptr) counts.emplace(*options.metrics, options.name);
  }

  struct Timer {
    MonotonicTime due;
    Executor::TimerId id = 0;
  };

  void add(const std::string& key) {
    const std::lock_guard lock(mutex);
    if (stopped || !waiting.try_emplace(key, executor.clock().monotonic()).second) return;
    turns.push_back(key);
    if (counts) {
      counts->added();
      counts->waiting(turns.size());
    }
    post();
  }
  void add_after(const std::string& key, Duration delay) {
    if (delay <= Duration::zero()) return add(key);
    const std::lock_guard lock(mutex);
    if (stopped) return;
    const MonotonicTime due = executor.clock().monotonic() + delay;
    auto& timer = timers[key];
    if (timer.id != 0) {
      if (timer.due <= due) return;
      executor.cancel(timer.id);
    }
    timer.due = due;
    timer.id = executor.schedule_after(delay, [weak = weak_from_this(), key, due] {
      if (const auto self = weak.lock()) self->timer_fired(key, due);
    });
  }
  void timer_fired(const std::string& key, MonotonicTime due) {
    {
      const std::lock_guard lock(mutex);
      const auto found = timers.find(key);
      if (found == timers.end() || found->second.due != due) return;  // Replaced meanwhile.
      timers.erase(found);
    }
    add(key);
  }
  void post() {  // Needs the mutex.
    if (std::exchange(posted, true)) return;
    executor.post([weak = weak_from_this()] {
      if (const auto self = weak.lock()) self->run_one();
    });
  }
  void run_one() {
    std::string key;
    MonotonicTime began;
    {
      const std::lock_guard lock(mutex);
      posted = false;
      if (stopped || turns.empty() || busy.size() >= options.at_once) return;
      key = std::move(turns.front());
      turns.pop_front();
      const auto since = waiting.extract(key).mapped();
      // The next key waits behind what else is posted: one queue does not starve the others.
      if (!turns.empty()) post();
      if (!busy.insert(key).second) {
        again.insert(key);
        return;
      }
      began = executor.clock().monotonic();
      if (counts) {
        counts->waiting(turns.size());
        counts->waited(began - since);
      }
    }
    fibers->run([this, key, began] {
      const auto done = work(key);
      if (counts) counts->worked(executor.clock().monotonic() - began);
      worked(key, done);
    });
  }
  void worked(const std::string& key, const Result<void>& done) {
    bool once_more = false;
    {
      const std::lock_guard lock(mutex);
      busy.erase(key);
      once_more = again.erase(key) > 0;
      if (stopped) return;
      if (!turns.empty()) post();
    }
    if (once_more) add(key);
    if (done) return forget(key);
    int count = 0;
    {
      const std::lock_guard lock(mutex);
      count = failures[key]++;
    }
    if (counts) counts->retried();
    // Less and less often: the 1st, 2nd, 4th, 8th time...
    if (done.error().retry != Retry::kAfterRead &&
        std::has_single_bit(static_cast<unsigned>(count) + 1)) {
      log::warning("work failed; it is tried again", {{"queue", options.name},
                                                      {"key", key},
                                                      {"error", done.error().message},
                                                      {"failures", count + 1}});
    }
    add_after(key, wait_for(count, done.error().retry));
  }
  void forget(const std::string& key) {
    const std::lock_guard lock(mutex);
    failures.erase(key);
  }
  void resync() {
    Duration wait;
    {
      const std::lock_guard lock(mutex);
      if (stopped) return;
      wait = period;
      resync_timer = executor.schedule_after(wait, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self) return;
        for (const auto& key : self->all_keys()) self->add(key);
        self->resync();
      });
    }
  }
  void stop() {
    {
      const std::lock_guard lock(mutex);
      stopped = true;
      for (const auto& [key, timer] : timers) executor.cancel(timer.id);
      timers.clear();
      if (resync_timer != 0) executor.cancel(resync_timer);
    }
    fibers.reset();
  }

  Executor& executor;
  const Work work;
  const Options options;
  std::optional<WorkQueueMetrics> counts;
  std::optional<Fibers> fibers;  // The executor's.
  mutable std::mutex mutex;
  std::deque<std::string> turns;
  std::map<std::string, MonotonicTime> waiting;  // Those in `turns`, since when.
  std::set<std::string> busy;                    // Those under way.
  std::set<std::string> again;                   // Of those, the ones that were added meanwhile.
  std::map<std::string, Timer> timers;
  std::map<std::string, int> failures;
  std::function<std::vector<std::string>()> all_keys;
  Duration period{};
  Executor::TimerId resync_timer = 0;
  bool posted = false, stopped = false;
};

WorkQueue::WorkQueue(Executor& executor, Work work, Options options)
    : state_(std::make_shared<State>(executor, std::move(work), std::move(options))) {}
WorkQueue::~WorkQueue() { state_->stop(); }

void WorkQueue::add(const std::string& key) { state_->add(key); }
void WorkQueue::add_after(const std::string& key, Duration delay) { state_->add_after(key, delay); }
void WorkQueue::forget(const std::string& key) { state_->forget(key); }

void WorkQueue::resync_every(Duration period, std::function<std::vector<std::string>()> keys) {
  {
    const std::lock_guard lock(state_->mutex);
    state_->period = period;
    state_->all_keys = std::move(keys);
    if (state_->resync_timer != 0) state_->executor.cancel(state_->resync_timer);
  }
  state_->resync();
}

std::size_t WorkQueue::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->turns.size();
}

}  // namespace pinnace::client
