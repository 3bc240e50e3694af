// SchedulingQueue holds the pods that wait for a node: ready to be tried, waiting out a back-off,
// or waiting for a change that may help.
//
// Threads: one at a time. Bounds: as many as there are pending pods.
// Source: Kubernetes' scheduling queue: 1 s doubling to 10 s, and a new try after 5 minutes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "scheduler/pod_info.h"

namespace pinnace::scheduler {

struct QueuedPod {
  PodInfoRef pod;
  int attempts = 0;
  std::uint64_t sequence = 0;  // of arrival
};

class SchedulingQueue {
 public:
  // A pod that is new or has changed in a way that may help: ready now, but for its back-off.
  void add(const PodInfoRef& pod, MonotonicTime now);
  // The same pod with new content, wherever it stands.
  void update(const PodInfoRef& pod);
  void remove(const std::string& uid);
  bool contains(const std::string& uid) const { return places_.contains(uid); }

  // The next to try: the highest priority, then the longest there.
  std::optional<QueuedPod> pop(MonotonicTime now);
  // It found no place; `wakes` are the changes that may help.
  void put_back(QueuedPod pod, std::uint32_t wakes, MonotonicTime now);
  // A passing failure, such as a refused binding: again after its back-off.
  void retry(QueuedPod pod, MonotonicTime now);
  // Something changed: those that it may help are tried again.
  void wake(std::uint32_t event, MonotonicTime now);

  bool any_ready(MonotonicTime now);
  // When the next one that waits for a time becomes ready.
  std::optional<MonotonicTime> next_time() const;
  std::size_t size() const { return places_.size(); }

 private:
  using ActiveKey = std::tuple<std::int64_t, std::uint64_t, std::string>;  // -priority, sequence
  using TimeKey = std::pair<MonotonicTime, std::string>;                   // when, uid
  enum class Place { kActive, kBackoff, kUnschedulable };
  struct Entry {
    QueuedPod queued;
    Place place = Place::kActive;
    MonotonicTime not_before;  // the end of its back-off
    MonotonicTime until;       // kBackoff, kUnschedulable: its key in `times_`
    std::uint32_t wakes = 0;
  };

  void leave(Entry& entry);
  void enter(Entry& entry, Place place, MonotonicTime now);
  void mature(MonotonicTime now);
  static ActiveKey active_key(const Entry& entry);

  std::map<std::string, Entry> places_;  // by uid
  std::set<ActiveKey> active_;
  std::set<std::string> unschedulable_;  // by uid
  std::set<TimeKey> times_;
  std::uint64_t last_sequence_ = 0;
};

}  // namespace pinnace::scheduler
