// The filters and scores that decide where a pod goes: two ordered tables of pure functions.
//
// Threads: pure; any number at once over one unchanging NodeCache.
// Source: Kubernetes' default scheduler plugins and their messages.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "scheduler/node_cache.h"

namespace pinnace::scheduler {

// Who does what next when a filter has looked at a node.
enum class Verdict : std::uint8_t {
  kFits,           // The next filter looks.
  kUnschedulable,  // Not here now; it would fit if other pods went away: preemption may try.
  kUnresolvable,   // Not here, whatever pods go away: preemption leaves this node alone.
};

struct FilterResult {
  Verdict verdict = Verdict::kFits;
  std::vector<std::string> reasons;
};

// Changes that can make a pod schedulable, as bits.
enum Wake : std::uint32_t {
  kNodeAdded = 1,
  kNodeChanged = 2,  // labels, taints, allocatable or unschedulable
  kPodGone = 4,      // a pod that was on a node
  kPodPlaced = 8,    // a pod was put on a node, or its labels changed
  kClaimChanged = 16,
};

struct DomainCounts {
  std::map<std::string, int, std::less<>> pods;  // topology value → matching pods
};

// What is worked out once per pod, before the nodes are looked at one by one.
struct Cycle {
  const NodeCache& cache;
  const PodInfo& pod;

  // Inter-pod affinity; empty when no term is involved.
  std::map<std::string, std::map<std::string, int, std::less<>>, std::less<>> forbidden_by_others;
  std::vector<DomainCounts> affinity, anti_affinity;  // per required term of the pod
  bool any_affinity_match = false;                    // some pod in the cluster matches all terms
  bool matches_own_affinity = false;
  std::map<std::string, std::map<std::string, std::int64_t, std::less<>>, std::less<>> preferred;

  // Topology spread, per constraint of the pod.
  struct Spread {
    const api::core_v1::TopologySpreadConstraint* constraint = nullptr;
    bool hard = false;
    bool self = false;  // the pod counts for its own constraint
    DomainCounts domains;
    int smallest = 0;
  };
  std::vector<Spread> spreads;

  Cycle(const NodeCache& cache, const PodInfo& pod);
};

struct Filter {
  const char* name;
  FilterResult (*check)(const Cycle& cycle, const NodeInfo& node);
  std::uint32_t wakes;  // What may change its mind.
};

enum class Normalize : std::uint8_t {
  kNone,     // Scores are 0–100 already.
  kHighest,  // The highest becomes 100.
  kLowest,   // The lowest becomes 100 and the highest 0.
};

struct Score {
  const char* name;
  std::int64_t weight;
  Normalize normalize;
  std::int64_t (*score)(const Cycle& cycle, const NodeInfo& node);
};

std::span<const Filter> filters();
std::span<const Score> scores();

// Parts that several plugins share.
bool tolerates(const api::core_v1::Pod& pod, const api::core_v1::Taint& taint);
bool matches_node_selectors(const api::core_v1::Pod& pod, const NodeInfo& node);
bool matches_term(const api::core_v1::NodeSelectorTerm& term, const NodeInfo& node);
bool matches_term(const AffinityTerm& term, const PodInfo& pod, const NodeCache& cache);

// In interpod_affinity.cc and topology_spread.cc.
void prepare_affinity(Cycle& cycle);
void prepare_spread(Cycle& cycle);
FilterResult check_affinity(const Cycle& cycle, const NodeInfo& node);
FilterResult check_spread(const Cycle& cycle, const NodeInfo& node);
std::int64_t score_affinity(const Cycle& cycle, const NodeInfo& node);
std::int64_t score_spread(const Cycle& cycle, const NodeInfo& node);

}  // namespace pinnace::scheduler
