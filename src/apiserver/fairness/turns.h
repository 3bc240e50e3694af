// Turns decides whose turn it is: every request asks it before it is authorised, and is served at
// once, waits in a queue of its level, or is refused.
//
// Threads: any. Nothing blocks: who has to wait is called when it is decided.
// Bounds: those of QueueSet for each level; in all as many seats as Settings say, and what exempt
//   requests take. Requests that last (exec, attach, port-forward, proxy, logs) hold no seats;
//   watches hold theirs until they have told what there was.
// Errors: 429 with Retry-After.
// Source: kubernetes.io/docs/concepts/cluster-administration/flow-control.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "apiserver/configuration.h"
#include "apiserver/fairness/digest.h"
#include "apiserver/fairness/flows.h"
#include "apiserver/fairness/turn.h"
#include "apiserver/fairness/width.h"
#include "base/error.h"

namespace pinnace::apiserver::fairness {

class Turns {
 public:
  Turns(const RequestLimits& limits, const store::Store& store, const CatalogHolder& catalog,
        Executor& executor, metrics::Registry& registry);

  bool is_fair() const { return limits_.is_fair; }
  std::uint32_t concurrency() const;

  // Decided at once, or (nothing) it waits, and what `when_waiting` makes is told later. What comes
  // out is to be settled.
  std::optional<Outcome> ask(Call& call, const std::function<Place::Decided()>& when_waiting);
  // Notes the outcome; the error is for the client.
  Result<void> settle(Call& call, Outcome outcome);

  // The configuration from now on.
  void configure(Digest digest);
  // Lends what levels do not want to those that do; every ten seconds.
  void share_out();
  // Nobody waits any more.
  void close();

  WatchCounts& watches() { return widths_.watches(); }
  // Brings the gauges up to date.
  void publish();

  struct LevelView {
    LevelRef level;
    bool is_leaving;
    bool is_exempt;
  };
  std::vector<LevelView> levels() const;

 private:
  struct Entry {
    PriorityLevel settings;
    SeatLimits limits;
    LevelRef level;
    std::uint32_t seats = 0;
    double smoothed = 0;
    bool is_leaving = false;
  };
  FlowsRef current() const {
    const std::lock_guard lock(current_mutex_);
    return current_;
  }
  void configure_level(Digest::LevelAtWork& wanted);
  void share_out_locked();
  std::optional<Outcome> ask_plainly(Call& call);

  const RequestLimits limits_;
  Executor& executor_;
  metrics::Registry& registry_;
  FlowMetrics metrics_;
  WidthEstimator widths_;
  std::atomic<std::size_t> reading_{0}, writing_{0};  // Without fairness.

  mutable std::mutex mutex_;  // Of the configuration.
  std::map<std::string, Entry> levels_;
  mutable std::mutex current_mutex_;
  FlowsRef current_;
};

}  // namespace pinnace::apiserver::fairness
