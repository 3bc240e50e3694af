#include "apiserver/fairness/level_use.h"

#include <algorithm>
#include <cmath>

namespace pinnace::apiserver::fairness {
namespace {

const std::vector<double> kOfRequests = {0, 0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 0.75, 1};
const std::vector<double> kOfSeats = {0,   0.1, 0.2, 0.3,  0.4,  0.5, 0.6,
                                      0.7, 0.8, 0.9, 0.95, 0.99, 1};
const std::vector<double> kOfDemand = {0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.7, 2, 2.8, 4, 6};
constexpr double kPartOfAll = 0.1;

metrics::HistogramSeries& of_requests(metrics::Registry& registry, const char* phase,
                                      const std::string& level) {
  return registry
      .histogram("apiserver_flowcontrol_priority_level_request_utilization",
                 "Requests of the level as a part of its limit, each nanosecond counted once.",
                 kOfRequests, {"phase", "priority_level"})
      .with({phase, level});
}

}  // namespace

TimedRatio::TimedRatio(metrics::HistogramSeries& series)
    : series_(series), counts_(series.bounds().size() + 1) {}

void TimedRatio::set(double ratio, MonotonicTime now) {
  pass(now);
  if (ratio == ratio_) return;
  ratio_ = ratio;
  const auto& bounds = series_.bounds();
  slot_ = static_cast<std::size_t>(std::ranges::lower_bound(bounds, ratio) - bounds.begin());
}

void TimedRatio::pass(MonotonicTime now) {
  const auto passed =
      std::chrono::duration_cast<std::chrono::nanoseconds>(now - since_.value_or(now)).count();
  if (passed < 0) return;
  since_ = now;
  counts_[slot_] += static_cast<std::uint64_t>(passed);
  sum_ += ratio_ * static_cast<double>(passed);
}

void TimedRatio::publish(MonotonicTime now) {
  pass(now);
  series_.merge(counts_, sum_);
  std::ranges::fill(counts_, 0);
  sum_ = 0;
}

LevelUse::LevelUse(metrics::Registry& registry, const std::string& level, std::uint32_t all_seats)
    : usual_seats_(std::max(1.0, std::round(all_seats * kPartOfAll))),
      waiting_(of_requests(registry, "waiting", level)),
      executing_(of_requests(registry, "executing", level)),
      seats_(registry
                 .histogram("apiserver_flowcontrol_priority_level_seat_utilization",
                            "Seats in use as a part of the level's, each nanosecond counted once.",
                            kOfSeats, {"phase", "priority_level"})
                 .with({"executing", level})),
      demand_(registry
                  .histogram("apiserver_flowcontrol_demand_seats",
                             "Seats wanted as a part of the level's, each nanosecond counted once.",
                             kOfDemand, {"priority_level"})
                  .with({level})) {}

void LevelUse::set(const QueueSet& queues, MonotonicTime now) {
  const double seats = queues.seats() > 0 ? queues.seats() : usual_seats_;
  waiting_.set(static_cast<double>(queues.waiting()) / static_cast<double>(queues.room()), now);
  executing_.set(static_cast<double>(queues.serving()) / seats, now);
  seats_.set(queues.seats_in_use() / seats, now);
  demand_.set(queues.demand() / seats, now);
}

void LevelUse::publish(MonotonicTime now) {
  for (TimedRatio* each : {&waiting_, &executing_, &seats_, &demand_}) each->publish(now);
}

}  // namespace pinnace::apiserver::fairness
