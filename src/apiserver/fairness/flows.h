// Flows is the configuration at work: the FlowSchemas in the order in which they are tried, each
// with the level that its requests go to and the series in which they are counted.
//
// Lifetime: immutable; every Turn holds on to the one that it was classified by.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "apiserver/fairness/level.h"
#include "apiserver/fairness/model.h"
#include "base/metrics.h"

namespace pinnace::apiserver::fairness {

// Why a request is refused, as metrics say it; "" for one that is served.
std::string_view reason_of(Outcome outcome);

// The series of apiserver_flowcontrol_*.
class FlowMetrics {
 public:
  explicit FlowMetrics(metrics::Registry& registry);

  metrics::Family<metrics::Series>& dispatched;
  metrics::Family<metrics::Series>& rejected;
  metrics::Family<metrics::Series>& in_queue;
  metrics::Family<metrics::Series>& in_queue_seats;
  metrics::Family<metrics::Series>& executing;
  metrics::Family<metrics::Series>& executing_seats;
  metrics::Family<metrics::Series>& nominal_seats;
  metrics::Family<metrics::Series>& lower_seats;
  metrics::Family<metrics::Series>& upper_seats;
  metrics::Family<metrics::Series>& current_seats;
  metrics::Family<metrics::Series>& demand_highest;
  metrics::Family<metrics::Series>& demand_average;
  metrics::Family<metrics::Series>& demand_deviation;
  metrics::Family<metrics::Series>& demand_smoothed;
  metrics::Family<metrics::Series>& target_seats;
  metrics::Series& fair_fraction;
  metrics::Family<metrics::HistogramSeries>& wait_seconds;
  metrics::Family<metrics::HistogramSeries>& execution_seconds;
  metrics::Family<metrics::HistogramSeries>& work_seats;
  metrics::Family<metrics::HistogramSeries>& queue_length;
  metrics::Family<metrics::HistogramSeries>& watch_count;
};

struct Flow {
  Flow(FlowSchema from, LevelRef to, const PriorityLevel& settings, std::uint32_t most_seats,
       FlowMetrics& metrics);

  FlowSchema schema;
  LevelRef level;
  std::string level_uid;
  std::uint32_t most_seats;  // Of one request; 0: no such bound.

  metrics::Series& dispatched;
  std::array<metrics::Series*, kOutcomes> rejected;
  metrics::HistogramSeries& waited_and_served;
  metrics::HistogramSeries& waited_in_vain;
  metrics::HistogramSeries& executed;
  metrics::HistogramSeries& executed_watch;
  metrics::HistogramSeries& work_seats;
  metrics::HistogramSeries& queue_length;
  metrics::HistogramSeries& watch_count;
};

struct Flows {
  std::vector<Flow> all;  // The last takes what nobody else took.

  const Flow& find(const User& user, const RequestInfo& info) const {
    for (const Flow& flow : all) {
      if (flow.schema.matches(user, info)) return flow;
    }
    return all.back();
  }
};
using FlowsRef = std::shared_ptr<const Flows>;

}  // namespace pinnace::apiserver::fairness
