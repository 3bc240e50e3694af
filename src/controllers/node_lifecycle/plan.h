// Is a node alive, what must its taints say, and when must its pods leave.
//
// Source: Kubernetes "Nodes" (heartbeats, rate limits on eviction), "Taints and Tolerations"
//   (taint-based evictions).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/types/coordination_v1.h"
#include "base/clock.h"
#include "controllers/settings.h"
#include "controllers/support/pods.h"
#include "controllers/support/taints.h"

namespace pinnace::controllers::node_lifecycle {

using core_v1::Node;
using core_v1::Taint;

// What was last seen of a node's heartbeats, and when by our clock: the nodes' clocks may differ.
struct Health {
  api::Time heartbeat;    // of the Ready condition
  api::Time renewed;      // of the lease
  WallTime seen{};        // When one of the two last changed.
  bool reported = false;  // The node has posted a Ready condition itself.
};
Health observe(const std::optional<Health>& before, const Node& node,
               const api::coordination_v1::Lease* lease, WallTime now);
bool is_silent(const Health& health, const Settings& settings, WallTime now);

// The conditions of a silent node: Ready and the pressures become Unknown. Nothing: they are.
std::optional<std::vector<core_v1::NodeCondition>> plan_conditions(const Node& node, WallTime now);

// "True", "False", "Unknown"; "Unknown" when there is no Ready condition.
std::string_view readiness(const Node& node);

// The share of nodes that are not ready decides how fast pods may leave: where all are, the fault
// is more likely here.
enum class Disruption { kNone, kPartial, kFull };
Disruption disruption_of(std::size_t ready, std::size_t not_ready);
// How long to wait between two nodes of a zone that begin to lose their pods; nothing: wait until
// the zone is better.
std::optional<Duration> eviction_gap(Disruption disruption, std::size_t zone_size);

// The taints that the node should have. `may_evict`: a NoExecute taint may be added now.
// `evictions_halted`: every node is down; no NoExecute taint stays.
struct TaintPlan {
  std::vector<Taint> taints;
  bool changed = false;
  bool evicts = false;    // A NoExecute taint is new.
  bool deferred = false;  // One is due, but `may_evict` was false.
};
TaintPlan plan_taints(const Node& node, bool may_evict, bool evictions_halted, WallTime now);

// When the pod must leave because of NoExecute taints; nothing: it may stay. `since` counts for
// taints without timeAdded.
std::optional<WallTime> eviction_time(const core_v1::Pod& pod, const std::vector<Taint>& taints,
                                      WallTime since);

}  // namespace pinnace::controllers::node_lifecycle
