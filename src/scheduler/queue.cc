#include "scheduler/queue.h"

#include <algorithm>
#include <vector>

namespace pinnace::scheduler {
namespace {

constexpr Duration kFirstBackoff = std::chrono::seconds(1);
constexpr Duration kLastBackoff = std::chrono::seconds(10);
constexpr Duration kUnschedulableAtMost = std::chrono::minutes(5);

Duration backoff(int attempts) {
  Duration delay = kFirstBackoff;
  for (int i = 1; i < attempts && delay < kLastBackoff; ++i) delay *= 2;
  return std::min(delay, kLastBackoff);
}

}  // namespace

SchedulingQueue::ActiveKey SchedulingQueue::active_key(const Entry& entry) {
  return {-static_cast<std::int64_t>(entry.queued.pod->priority), entry.queued.sequence,
          entry.queued.pod->uid()};
}

void SchedulingQueue::leave(Entry& entry) {
  if (entry.place == Place::kActive)
    active_.erase(active_key(entry));
  else
    times_.erase({entry.until, entry.queued.pod->uid()});
  if (entry.place == Place::kUnschedulable) unschedulable_.erase(entry.queued.pod->uid());
}

void SchedulingQueue::enter(Entry& entry, Place place, MonotonicTime now) {
  if (place == Place::kBackoff && entry.not_before <= now) place = Place::kActive;
  entry.place = place;
  if (place == Place::kActive) {
    active_.insert(active_key(entry));
    return;
  }
  entry.until = place == Place::kBackoff ? entry.not_before : now + kUnschedulableAtMost;
  times_.insert({entry.until, entry.queued.pod->uid()});
  if (place == Place::kUnschedulable) unschedulable_.insert(entry.queued.pod->uid());
}

void SchedulingQueue::add(const PodInfoRef& pod, MonotonicTime now) {
  auto [found, is_new] = places_.try_emplace(pod->uid());
  Entry& entry = found->second;
  if (!is_new)
    leave(entry);
  else
    entry.queued.sequence = ++last_sequence_;
  entry.queued.pod = pod;
  enter(entry, Place::kBackoff, now);
}

void SchedulingQueue::update(const PodInfoRef& pod) {
  const auto found = places_.find(pod->uid());
  if (found == places_.end()) return;
  Entry& entry = found->second;
  if (entry.place == Place::kActive) active_.erase(active_key(entry));
  entry.queued.pod = pod;
  if (entry.place == Place::kActive) active_.insert(active_key(entry));
}

void SchedulingQueue::remove(const std::string& uid) {
  const auto found = places_.find(uid);
  if (found == places_.end()) return;
  leave(found->second);
  places_.erase(found);
}

std::optional<QueuedPod> SchedulingQueue::pop(MonotonicTime now) {
  mature(now);
  if (active_.empty()) return std::nullopt;
  const auto node = places_.extract(std::get<std::string>(*active_.begin()));
  active_.erase(active_.begin());
  QueuedPod queued = node.mapped().queued;
  ++queued.attempts;
  return queued;
}

void SchedulingQueue::put_back(QueuedPod queued, std::uint32_t wakes, MonotonicTime now) {
  Entry& entry = places_[queued.pod->uid()];
  entry.not_before = now + backoff(queued.attempts);
  entry.wakes = wakes;
  entry.queued = std::move(queued);
  enter(entry, Place::kUnschedulable, now);
}

void SchedulingQueue::retry(QueuedPod queued, MonotonicTime now) {
  Entry& entry = places_[queued.pod->uid()];
  entry.not_before = now + backoff(queued.attempts);
  entry.queued = std::move(queued);
  enter(entry, Place::kBackoff, now);
}

void SchedulingQueue::wake(std::uint32_t event, MonotonicTime now) {
  std::vector<Entry*> woken;
  for (const auto& uid : unschedulable_) {
    Entry& entry = places_.at(uid);
    if ((entry.wakes & event) != 0) woken.push_back(&entry);
  }
  for (auto* entry : woken) {
    leave(*entry);
    enter(*entry, Place::kBackoff, now);
  }
}

void SchedulingQueue::mature(MonotonicTime now) {
  while (!times_.empty() && times_.begin()->first <= now) {
    Entry& entry = places_.at(times_.begin()->second);
    leave(entry);
    enter(entry, Place::kActive, now);
  }
}

bool SchedulingQueue::any_ready(MonotonicTime now) {
  mature(now);
  return !active_.empty();
}

std::optional<MonotonicTime> SchedulingQueue::next_time() const {
  if (times_.empty()) return std::nullopt;
  return times_.begin()->first;
}

}  // namespace pinnace::scheduler
