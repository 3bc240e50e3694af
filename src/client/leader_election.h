// LeaderElection lets one of several candidates lead at a time, by a Lease that it must renew.
//
// How: a candidate that finds the Lease unheld, or unchanged for as long as it says it lasts,
//   writes its own name into it; a leader renews it, and stops leading by its own clock when it
//   could not for `renew_deadline`, which is shorter. Clocks of two machines are never compared.
// Threads: all of it, and its callbacks, on the executor's.
// Lifetime: the destructor calls nothing; whoever leads then calls `release` before, or the others
//   wait for the Lease to run out.
// Source: k8s.io/client-go/tools/leaderelection.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "api/types/coordination_v1.h"
#include "base/clock.h"
#include "base/rng.h"
#include "client/client.h"
#include "client/fibers.h"

namespace pinnace::client {

class LeaderElection {
 public:
  struct Options {
    const Client& api;
    Executor& executor;
    Rng& rng;
    std::string ns = "kube-system";
    std::string name;      // Of the Lease.
    std::string identity;  // Of this candidate; no other has the same.
    Duration lease_duration = std::chrono::seconds(15);
    Duration renew_deadline = std::chrono::seconds(10);
    Duration retry_period = std::chrono::seconds(2);
    std::function<void()> on_started, on_stopped;
  };
  explicit LeaderElection(Options options);
  ~LeaderElection();
  LeaderElection(const LeaderElection&) = delete;

  void start();
  // Stops being a candidate; a leader gives up the Lease, so that another need not wait. Blocks for
  // that write. Does not call `on_stopped`.
  void release();
  bool is_leader() const { return is_leader_; }

 private:
  using Lease = api::coordination_v1::Lease;
  enum class Outcome { kHeld, kHeldByAnother, kFailed };

  void round();
  Outcome acquire_or_renew();
  Outcome take(const Lease& lease, bool is_new);
  void observe(const Lease& lease);
  void finish(MonotonicTime began, Outcome outcome);
  void lead_until(MonotonicTime end);
  void stop_leading();
  MonotonicTime now() const { return options_.executor.clock().monotonic(); }

  const Options options_;
  std::optional<Lease> observed_;
  MonotonicTime observed_at_;  // When it was first seen as it is.
  bool is_leader_ = false, is_released_ = false;
  Executor::TimerId round_timer_ = 0, end_timer_ = 0;
  Fibers fibers_;
};

}  // namespace pinnace::client
