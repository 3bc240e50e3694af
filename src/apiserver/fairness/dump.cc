#include "apiserver/fairness/dump.h"

#include <algorithm>
#include <cstdio>
#include <map>

#include "api/time.h"

namespace pinnace::apiserver::fairness {
namespace {

using Row = std::vector<std::string>;

constexpr std::string_view kNever = "0001-01-01T00:00:00Z";

// Columns stand under one another.
std::string table(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      out += row[i];
      if (i + 1 == row.size()) break;
      out += ',';
      out.append(widths[i] - row[i].size() + 1, ' ');
    }
    out += '\n';
  }
  return out;
}

void answer_table(const CallRef& call, const std::vector<Row>& rows) {
  answer_text(*call, 200, "text/plain; charset=utf-8", table(rows));
}

std::string seat_seconds(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.8fss", value);
  return text;
}

std::string text_of(bool value) { return value ? "true" : "false"; }

// Monotonic time as people read it.
class Times {
 public:
  explicit Times(const Clock& clock) : wall_(clock.wall()), monotonic_(clock.monotonic()) {}
  std::string of(MonotonicTime time) const { return rfc3339_micro(wall_ - (monotonic_ - time)); }

 private:
  const WallTime wall_;
  const MonotonicTime monotonic_;
};

std::string distinguisher_of(const Flow& flow, const Call& call) {
  switch (flow.schema.distinguisher) {
    case FlowSchema::Distinguisher::kUser:
      return call.user.name;
    case FlowSchema::Distinguisher::kNamespace:
      return call.info.ns;
    case FlowSchema::Distinguisher::kNone:
      break;
  }
  return "";
}

Row row_of(const std::string& level, const Place& place, std::size_t index, const Times& times,
           bool with_details) {
  const Call& call = *place.call;
  const Flow& flow = *call.turn.flow();
  const bool is_served = place.state() == Place::State::kServed;
  Row row = {level,
             flow.schema.name,
             std::to_string(place.queue()),
             is_served ? "-1" : std::to_string(index),
             distinguisher_of(flow, call),
             times.of(place.arrived()),
             std::to_string(place.width.seats),
             std::to_string(place.width.final_seats),
             api::format_duration(place.width.final_time),
             is_served ? times.of(place.began()) : std::string(kNever)};
  if (!with_details) return row;
  const RequestInfo& info = call.info;
  const std::string version = info.group.empty() ? info.version : info.group + '/' + info.version;
  for (const std::string& text : {call.user.name, info.verb, info.path, info.ns, info.name, version,
                                  info.resource, info.subresource}) {
    row.push_back(text);
  }
  return row;
}

}  // namespace

void dump_priority_levels(Backend& backend, const CallRef& call) {
  std::vector<Row> rows = {{"PriorityLevelName", "ActiveQueues", "IsIdle", "IsQuiescing",
                            "WaitingRequests", "ExecutingRequests", "DispatchedRequests",
                            "RejectedRequests", "TimedoutRequests", "CancelledRequests"}};
  for (const auto& [level, is_leaving, is_exempt] : backend.turns.levels()) {
    level->inspect([&](const QueueSet& queues, const Level::Counts& counts) {
      const auto view = queues.view();
      const auto active =
          std::ranges::count_if(view, [](const auto& queue) { return queue.waiting > 0; });
      const bool is_idle = queues.waiting() == 0 && queues.serving() == 0;
      rows.push_back({level->name(), std::to_string(active), text_of(is_idle), text_of(is_leaving),
                      std::to_string(queues.waiting()), std::to_string(queues.serving()),
                      std::to_string(counts.served), std::to_string(counts.refused),
                      std::to_string(counts.timed_out), std::to_string(counts.cancelled)});
    });
  }
  answer_table(call, rows);
}

void dump_queues(Backend& backend, const CallRef& call) {
  std::vector<Row> rows = {{"PriorityLevelName", "Index", "PendingRequests", "ExecutingRequests",
                            "SeatsInUse", "NextDispatchR", "InitialSeatsSum", "MaxSeatsSum",
                            "TotalWorkSum"}};
  for (const auto& [level, is_leaving, is_exempt] : backend.turns.levels()) {
    level->inspect([&](const QueueSet& queues, const Level::Counts&) {
      std::size_t index = 0;
      for (const QueueSet::QueueView& queue : queues.view()) {
        rows.push_back({level->name(), std::to_string(index++), std::to_string(queue.waiting),
                        std::to_string(queue.serving), std::to_string(queue.seats_held),
                        seat_seconds(queue.next_turn), std::to_string(queue.seats_waiting),
                        std::to_string(queue.most_seats_waiting),
                        seat_seconds(queue.work_waiting)});
      }
    });
  }
  answer_table(call, rows);
}

void dump_requests(Backend& backend, const CallRef& call) {
  const bool with_details = !call->query.get("includeRequestDetails").empty();
  std::vector<Row> rows = {{"PriorityLevelName", "FlowSchemaName", "QueueIndex",
                            "RequestIndexInQueue", "FlowDistingsher", "ArriveTime", "InitialSeats",
                            "FinalSeats", "AdditionalLatency", "StartTime"}};
  if (with_details) {
    for (const char* name : {"UserName", "Verb", "APIPath", "Namespace", "Name", "APIVersion",
                             "Resource", "SubResource"}) {
      rows[0].emplace_back(name);
    }
  }
  const Times times(backend.options.clock);
  for (const auto& [level, is_leaving, is_exempt] : backend.turns.levels()) {
    level->inspect([&](const QueueSet& queues, const Level::Counts&) {
      std::map<std::int32_t, std::size_t> indexes;  // By queue; who came first is first.
      queues.each_served([&](const Place& place) {
        rows.push_back(row_of(level->name(), place, 0, times, with_details));
      });
      queues.each_waiting([&](const Place& place) {
        rows.push_back(row_of(level->name(), place, indexes[place.queue()]++, times, with_details));
      });
    });
  }
  answer_table(call, rows);
}

}  // namespace pinnace::apiserver::fairness
