#include "apiserver/fairness/flows.h"

#include <utility>

namespace pinnace::apiserver::fairness {
namespace {

const std::vector<double> kWaitBounds = {0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30};
const std::vector<double> kExecutionBounds = {0, 0.005, 0.02, 0.05, 0.1, 0.2, 0.5,
                                              1, 2,     5,    10,   15,  30};
const std::vector<double> kSeatBounds = {1, 2, 4, 8, 16, 32, 64, 100};
const std::vector<double> kLengthBounds = {0, 10, 25, 50, 100, 250, 500, 1000};
const std::vector<double> kWatchBounds = {0, 1, 10, 100, 1000, 10000};

const std::vector<std::string> kOfLevel = {"priority_level"};
const std::vector<std::string> kOfFlow = {"priority_level", "flow_schema"};

std::string named(std::string_view name) { return "apiserver_flowcontrol_" + std::string(name); }

}  // namespace

std::string_view reason_of(Outcome outcome) {
  static constexpr std::array<std::string_view, kOutcomes> kReasons = {
      "", "queue-full", "time-out", "concurrency-limit", "cancelled"};
  return kReasons[static_cast<std::size_t>(outcome)];
}

FlowMetrics::FlowMetrics(metrics::Registry& registry)
    : dispatched(registry.counter(named("dispatched_requests_total"),
                                  "Requests that were let through.", kOfFlow)),
      rejected(registry.counter(named("rejected_requests_total"), "Requests that were refused.",
                                {"priority_level", "flow_schema", "reason"})),
      in_queue(registry.gauge(named("current_inqueue_requests"), "Requests that wait.", kOfFlow)),
      in_queue_seats(registry.gauge(named("current_inqueue_seats"),
                                    "Seats that those who wait will need.", kOfFlow)),
      executing(registry.gauge(named("current_executing_requests"), "Requests that hold seats.",
                               kOfFlow)),
      executing_seats(
          registry.gauge(named("current_executing_seats"), "Seats that requests hold.", kOfFlow)),
      nominal_seats(registry.gauge(named("nominal_limit_seats"),
                                   "Seats of the level by its shares.", kOfLevel)),
      lower_seats(registry.gauge(named("lower_limit_seats"), "Seats that the level does not lend.",
                                 kOfLevel)),
      upper_seats(registry.gauge(named("upper_limit_seats"),
                                 "Seats of the level with all that it may borrow.", kOfLevel)),
      current_seats(
          registry.gauge(named("current_limit_seats"), "Seats of the level now.", kOfLevel)),
      demand_highest(registry.gauge(named("demand_seats_high_watermark"),
                                    "Most seats wanted in the last period.", kOfLevel)),
      demand_average(registry.gauge(named("demand_seats_average"),
                                    "Seats wanted in the last period, on average.", kOfLevel)),
      demand_deviation(registry.gauge(named("demand_seats_stdev"),
                                      "Standard deviation of the seats wanted.", kOfLevel)),
      demand_smoothed(
          registry.gauge(named("demand_seats_smoothed"), "Seats wanted, smoothed.", kOfLevel)),
      target_seats(
          registry.gauge(named("target_seats"), "Seats that the level is to have.", kOfLevel)),
      fair_fraction(registry
                        .gauge(named("seat_fair_frac"),
                               "The part of its target that each level has, bounds apart.")
                        .with()),
      wait_seconds(registry.histogram(named("request_wait_duration_seconds"), "Time in a queue.",
                                      kWaitBounds, {"priority_level", "flow_schema", "execute"})),
      execution_seconds(registry.histogram(named("request_execution_seconds"), "Time with seats.",
                                           kExecutionBounds,
                                           {"priority_level", "flow_schema", "type"})),
      work_seats(registry.histogram(named("work_estimated_seats"),
                                    "The most seats that requests were taken to need.", kSeatBounds,
                                    kOfFlow)),
      queue_length(registry.histogram(named("request_queue_length_after_enqueue"),
                                      "Length of the queue that a request had joined.",
                                      kLengthBounds, kOfFlow)),
      watch_count(registry.histogram(named("watch_count_samples"),
                                     "Watches that a write would wake.", kWatchBounds, kOfFlow)) {}

Flow::Flow(FlowSchema from, LevelRef to, const PriorityLevel& settings, std::uint32_t most,
           FlowMetrics& metrics)
    : schema(std::move(from)),
      level(std::move(to)),
      level_uid(settings.uid),
      most_seats(most),
      dispatched(metrics.dispatched.with({settings.name, schema.name})),
      rejected{},
      waited_and_served(metrics.wait_seconds.with({settings.name, schema.name, "true"})),
      waited_in_vain(metrics.wait_seconds.with({settings.name, schema.name, "false"})),
      executed(metrics.execution_seconds.with({settings.name, schema.name, "regular"})),
      executed_watch(metrics.execution_seconds.with({settings.name, schema.name, "watch"})),
      work_seats(metrics.work_seats.with({settings.name, schema.name})),
      queue_length(metrics.queue_length.with({settings.name, schema.name})),
      watch_count(metrics.watch_count.with({settings.name, schema.name})) {
  for (std::size_t i = 1; i < kOutcomes; ++i) {
    const std::string reason(reason_of(static_cast<Outcome>(i)));
    rejected[i] = &metrics.rejected.with({settings.name, schema.name, reason});
  }
}

}  // namespace pinnace::apiserver::fairness
