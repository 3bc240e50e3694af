#include "apiserver/fairness/level.h"

namespace pinnace::apiserver::fairness {

Level::Level(const PriorityLevel& settings, Duration max_wait, Executor& executor, LevelUse use)
    : name_(settings.name),
      max_wait_(max_wait),
      executor_(executor),
      queues_(options_of(settings)),
      use_(std::move(use)) {}

QueueSet::Options Level::options_of(const PriorityLevel& settings) const {
  QueueSet::Options options = settings.queuing;
  options.is_exempt = settings.is_exempt;
  options.max_wait = max_wait_;
  return options;
}

template <typename Work>
auto Level::locked(Work work) {
  std::unique_lock lock(mutex_);
  const MonotonicTime now = executor_.clock().monotonic();
  auto made = work(now);
  demand_.set(queues_.demand(), now);
  use_.set(queues_, now);
  arm();
  if (!queues_.has_decisions()) return made;
  auto decisions = queues_.take_decisions();
  for (const auto& [decided, outcome] : decisions) count(outcome);
  lock.unlock();
  for (const auto& [decided, outcome] : decisions) decided(outcome);
  return made;
}

void Level::count(Outcome outcome) {
  switch (outcome) {
    case Outcome::kServe:
      ++counts_.served;
      return;
    case Outcome::kCancelled:
      ++counts_.cancelled;
      return;
    case Outcome::kTimedOut:
      ++counts_.timed_out;
      break;
    case Outcome::kQueueFull:
    case Outcome::kConcurrencyLimit:
      ++counts_.refused;
      break;
  }
  const auto since = executor_.clock().monotonic() - MonotonicTime{};
  retry_after_.note(std::chrono::duration_cast<std::chrono::seconds>(since).count());
}

std::optional<Outcome> Level::admit(Place& place,
                                    const std::function<Place::Decided()>& when_waiting) {
  return locked([&](MonotonicTime now) {
    const auto outcome = queues_.arrive(place, now, when_waiting);
    if (outcome) count(*outcome);
    return outcome;
  });
}

Duration Level::give_back(Place& place) {
  return locked([&](MonotonicTime now) {
    if (place.state() != Place::State::kServed) return Duration::zero();
    queues_.end(place, now);
    return now - place.began();
  });
}

void Level::leave(Place& place) {
  locked([&](MonotonicTime now) { return queues_.leave(place, now); });
}

void Level::close() {
  locked([&](MonotonicTime now) {
    queues_.cancel_all(now);
    return true;
  });
}

void Level::configure(const PriorityLevel& settings) {
  locked([&](MonotonicTime now) {
    queues_.set_options(options_of(settings), now);
    return true;
  });
}

void Level::set_seats(std::uint32_t seats) {
  locked([&](MonotonicTime now) {
    queues_.set_seats(seats, now);
    return true;
  });
}

Demand::Summary Level::take_demand() {
  return locked([&](MonotonicTime now) { return demand_.take(now); });
}

void Level::publish() {
  const std::lock_guard lock(mutex_);
  use_.publish(executor_.clock().monotonic());
}

std::int64_t Level::retry_after_seconds() const {
  const std::lock_guard lock(mutex_);
  return retry_after_.seconds();
}

bool Level::is_idle() const {
  const std::lock_guard lock(mutex_);
  return queues_.waiting() == 0 && queues_.serving() == 0;
}

void Level::inspect(const std::function<void(const QueueSet&, const Counts&)>& look) const {
  const std::lock_guard lock(mutex_);
  look(queues_, counts_);
}

// A timer that comes too early finds nothing to do and sets the next one.
void Level::arm() {
  const auto next = queues_.next_tick();
  if (!next || (armed_ && *armed_ <= *next)) return;
  armed_ = next;
  executor_.schedule_after(*next - executor_.clock().monotonic(), [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->locked([&](MonotonicTime now) {
      self->armed_.reset();
      self->queues_.tick(now);
      return true;
    });
  });
}

}  // namespace pinnace::apiserver::fairness
