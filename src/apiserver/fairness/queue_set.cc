#include "apiserver/fairness/queue_set.h"

#include <algorithm>
#include <array>
#include <limits>

#include "apiserver/fairness/shuffle.h"
#include "base/assert.h"

namespace pinnace::apiserver::fairness {
namespace {

// How long a request is taken to be served until it is known: long enough that a queue does not get
// many turns on credit.
constexpr double kGuessedSeconds = 0.003;

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

double final_work(const Width& width) { return width.final_seats * seconds_of(width.final_time); }

double guessed_work(const Width& width) {
  return width.seats * kGuessedSeconds + final_work(width);
}

}  // namespace

QueueSet::QueueSet(Options options)
    : options_(options), queues_(std::min(options.queues, kMaxQueues)) {}

// Virtual time runs as fast as each of the queues that want seats gets them.
void QueueSet::advance(MonotonicTime now) {
  if (now <= clock_) return;
  const double real = seconds_of(now - clock_);
  clock_ = now;
  if (busy_queues_ == 0) return;
  const double rate = std::min<double>(demand(), std::max<std::uint32_t>(seats_, 1));
  virtual_time_ += real * rate / busy_queues_;
}

// A request that is wider than all seats is served alone.
bool QueueSet::fits(std::uint32_t seats) const {
  if (options_.is_exempt) return true;
  if (seats > seats_) return in_use_ == 0;
  return in_use_ + seats <= seats_;
}

void QueueSet::set_seats(std::uint32_t seats, MonotonicTime now) {
  advance(now);
  seats_ = seats;
  dispatch(now);
}

void QueueSet::set_options(Options options, MonotonicTime now) {
  advance(now);
  const bool is_same_shape = options.is_exempt == options_.is_exempt &&
                             std::min(options.queues, kMaxQueues) == queues_.size();
  options_ = options;
  if (is_same_shape) return dispatch(now);
  std::vector<Place*> waiting;
  waiting_.each([&](Place& place) {
    stop_waiting(place);
    waiting.push_back(&place);
  });
  queues_ = std::vector<Queue>(std::min(options.queues, kMaxQueues));
  ++era_;
  busy_queues_ = 0;
  last_queue_ = 0;
  std::uint32_t next = 0;
  for (Place* place : waiting) {
    if (!queues_.empty()) {
      wait_in(*place, next++ % static_cast<std::uint32_t>(queues_.size()));
    } else if (fits(place->width.most())) {
      serve(*place, now);
      decide(*place, Outcome::kServe);
    } else {
      place->state_ = Place::State::kOver;
      decide(*place, Outcome::kConcurrencyLimit);
    }
  }
  dispatch(now);
}

std::uint32_t QueueSet::choose(std::uint64_t flow) const {
  std::array<std::uint32_t, kMaxHandSize> hand{};
  const auto deck = static_cast<std::uint32_t>(queues_.size());
  // Nothing is better than an idle queue; the first card is known without the rest of the hand.
  const auto first = static_cast<std::uint32_t>(flow % deck);
  if (queues_[first].is_idle()) return first;
  const auto size = std::clamp<std::uint32_t>(options_.hand_size, 1, std::min(deck, kMaxHandSize));
  const auto cards = deal(flow, deck, size, hand);
  // Not always the same one first: equals take turns.
  const std::size_t offset = flow % cards.size();
  std::uint32_t best = cards[offset];
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < cards.size(); ++i) {
    const std::uint32_t card = cards[(offset + i) % cards.size()];
    const Queue& queue = queues_[card];
    const double work = queue.work_waiting + queue.seats_held * kGuessedSeconds;
    if (work >= least) continue;
    least = work;
    best = card;
    if (work <= 0) break;
  }
  return best;
}

std::optional<Outcome> QueueSet::arrive(Place& place, MonotonicTime now,
                                        const std::function<Place::Decided()>& when_waiting) {
  PINNACE_ASSERT(place.state_ == Place::State::kNew);
  advance(now);
  place.arrived_ = now;
  place.era_ = era_;
  const bool fits_now = waiting_.empty() && fits(place.width.most());
  if (queues_.empty()) {
    if (fits_now) {
      serve(place, now);
      return Outcome::kServe;
    }
    place.state_ = Place::State::kOver;
    return Outcome::kConcurrencyLimit;
  }
  const std::uint32_t index = choose(place.flow);
  if (fits_now) {
    place.queue_ = static_cast<std::int32_t>(index);
    serve(place, now);
    return Outcome::kServe;
  }
  if (queues_[index].waiting.size() >= options_.queue_length) {
    place.state_ = Place::State::kOver;
    return Outcome::kQueueFull;
  }
  place.decided_ = when_waiting();
  wait_in(place, index);
  // Where the one that is next was too wide, this one may be next now.
  dispatch(now);
  return std::nullopt;
}

// Null when there are other queues now.
QueueSet::Queue* QueueSet::queue_of(const Place& place) {
  const bool is_there = place.queue_ >= 0 && place.era_ == era_;
  return is_there ? &queues_[static_cast<std::size_t>(place.queue_)] : nullptr;
}

// Before it gets something to do. It does not come back with turns that it saved up.
void QueueSet::wake_queue(Queue& queue) {
  if (!queue.is_idle()) return;
  queue.next_turn = virtual_time_;
  ++busy_queues_;
}

// After it had something to do.
void QueueSet::rest_queue(const Queue& queue) {
  if (queue.is_idle()) --busy_queues_;
}

void QueueSet::serve(Place& place, MonotonicTime now) {
  const bool has_waited = place.state_ == Place::State::kWaiting;
  place.state_ = Place::State::kServed;
  place.began_ = now;
  served_.add(place);
  in_use_ += place.width.most();
  Queue* queue = queue_of(place);
  if (queue == nullptr) return;
  if (!has_waited) wake_queue(*queue);
  queue->next_turn += guessed_work(place.width);
  queue->seats_held += place.width.most();
  ++queue->serving;
}

void QueueSet::wait_in(Place& place, std::uint32_t index) {
  place.state_ = Place::State::kWaiting;
  place.queue_ = static_cast<std::int32_t>(index);
  place.era_ = era_;
  Queue& queue = queues_[index];
  wake_queue(queue);
  queue.waiting.add(place);
  place.queue_length_ = queue.waiting.size();
  queue.work_waiting += guessed_work(place.width);
  waiting_.add(place);
  seats_waiting_ += place.width.most();
}

// Its state and its decision are the caller's to settle, and that its queue may rest.
void QueueSet::stop_waiting(Place& place) {
  Queue& queue = *queue_of(place);
  queue.waiting.remove(place);
  queue.work_waiting = queue.waiting.empty() ? 0 : queue.work_waiting - guessed_work(place.width);
  waiting_.remove(place);
  seats_waiting_ -= place.width.most();
}

void QueueSet::decide(Place& place, Outcome outcome) {
  decisions_.emplace_back(std::exchange(place.decided_, nullptr), outcome);
}

// The one whose first request would be done soonest, in virtual time; equals take turns.
std::optional<std::uint32_t> QueueSet::next_queue() {
  const auto count = static_cast<std::uint32_t>(queues_.size());
  std::optional<std::uint32_t> best;
  double soonest = std::numeric_limits<double>::infinity();
  for (std::uint32_t i = 1; i <= count; ++i) {
    const std::uint32_t at = (last_queue_ + i) % count;
    const Queue& queue = queues_[at];
    if (queue.waiting.empty()) continue;
    const double done = queue.next_turn + guessed_work(queue.waiting.first()->width);
    if (done >= soonest) continue;
    soonest = done;
    best = at;
  }
  // Whoever is next and too wide waits for the seats; if others slipped past, it would never get
  // them.
  if (!best || !fits(queues_[*best].waiting.first()->width.most())) return std::nullopt;
  last_queue_ = *best;
  return best;
}

void QueueSet::dispatch(MonotonicTime now) {
  while (!waiting_.empty()) {
    if (!options_.is_exempt && in_use_ >= seats_ && in_use_ > 0) return;
    const auto index = next_queue();
    if (!index) return;
    Place& place = *queues_[*index].waiting.first();
    stop_waiting(place);
    serve(place, now);
    decide(place, Outcome::kServe);
  }
}

void QueueSet::end(Place& place, MonotonicTime now) {
  advance(now);
  if (place.state_ != Place::State::kServed) return;
  place.state_ = Place::State::kOver;
  served_.remove(place);
  const Width& width = place.width;
  in_use_ -= width.most();
  if (width.final_seats > 0 && width.final_time > Duration::zero() && !options_.is_exempt) {
    in_use_ += width.final_seats;
    const MonotonicTime at = now + width.final_time;
    const auto later = std::upper_bound(
        releases_.begin(), releases_.end(), at,
        [](MonotonicTime when, const auto& release) { return when < release.first; });
    releases_.insert(later, {at, width.final_seats});
  }
  if (Queue* queue = queue_of(place)) {
    --queue->serving;
    queue->seats_held -= width.most();
    const double work = width.seats * seconds_of(now - place.began_) + final_work(width);
    queue->next_turn += work - guessed_work(width);
    rest_queue(*queue);
  }
  dispatch(now);
}

bool QueueSet::leave(Place& place, MonotonicTime now) {
  advance(now);
  if (place.state_ != Place::State::kWaiting) return false;
  place.state_ = Place::State::kOver;
  stop_waiting(place);
  rest_queue(*queue_of(place));
  decide(place, Outcome::kCancelled);
  dispatch(now);
  return true;
}

void QueueSet::cancel_all(MonotonicTime now) {
  advance(now);
  waiting_.each([&](Place& place) {
    place.state_ = Place::State::kOver;
    stop_waiting(place);
    rest_queue(*queue_of(place));
    decide(place, Outcome::kCancelled);
  });
}

void QueueSet::tick(MonotonicTime now) {
  advance(now);
  while (!releases_.empty() && releases_.front().first <= now) {
    in_use_ -= releases_.front().second;
    releases_.pop_front();
  }
  dispatch(now);
  while (!waiting_.empty() && waiting_.first()->arrived_ + options_.max_wait <= now) {
    Place& place = *waiting_.first();
    stop_waiting(place);
    rest_queue(*queue_of(place));
    place.state_ = Place::State::kOver;
    decide(place, Outcome::kTimedOut);
  }
  dispatch(now);
}

std::optional<MonotonicTime> QueueSet::next_tick() const {
  std::optional<MonotonicTime> next;
  if (!releases_.empty()) next = releases_.front().first;
  if (!waiting_.empty()) {
    const MonotonicTime at = waiting_.first()->arrived_ + options_.max_wait;
    if (!next || at < *next) next = at;
  }
  return next;
}

std::vector<QueueSet::QueueView> QueueSet::view() const {
  std::vector<QueueView> out;
  out.reserve(queues_.size());
  for (const Queue& queue : queues_) {
    std::uint32_t seats = 0, most = 0;
    queue.waiting.each([&](const Place& place) {
      seats += place.width.seats;
      most += place.width.most();
    });
    out.push_back({queue.waiting.size(), queue.serving, queue.seats_held, seats, most,
                   queue.next_turn, queue.work_waiting});
  }
  return out;
}

}  // namespace pinnace::apiserver::fairness
