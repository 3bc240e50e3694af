// LevelUse shows how much of a priority level is in use, as histograms in which each nanosecond
// counts once: of its seats, of its room for those that wait, and how many seats are wanted.
//
// Units: parts of a limit (1 is all of it), counted in nanoseconds.
// Threads: one at a time; the level's lock. Cost: one look at some ten bounds for what changed.
// Source: k8s.io/apiserver, pkg/util/flowcontrol/metrics (ratio histograms over time).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apiserver/fairness/queue_set.h"
#include "base/clock.h"
#include "base/metrics.h"

namespace pinnace::apiserver::fairness {

// One ratio over time.
class TimedRatio {
 public:
  explicit TimedRatio(metrics::HistogramSeries& series);

  void set(double ratio, MonotonicTime now);
  // Adds what was until now to the series.
  void publish(MonotonicTime now);

 private:
  void pass(MonotonicTime now);

  metrics::HistogramSeries& series_;
  double ratio_ = 0, sum_ = 0;
  std::size_t slot_ = 0;
  std::vector<std::uint64_t> counts_;
  std::optional<MonotonicTime> since_;  // Nothing: it was never set.
};

class LevelUse {
 public:
  // `all_seats`: of the server; a level that has none now is measured by a tenth of them.
  LevelUse(metrics::Registry& registry, const std::string& level, std::uint32_t all_seats);

  void set(const QueueSet& queues, MonotonicTime now);
  void publish(MonotonicTime now);

 private:
  const double usual_seats_;
  TimedRatio waiting_, executing_, seats_, demand_;
};

}  // namespace pinnace::apiserver::fairness
