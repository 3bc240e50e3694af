// schedule() chooses a node for one pod, or says why there is none.
//
// Threads: pure but for the Rng, over a NodeCache that does not change meanwhile.
// Source: Kubernetes' scheduling framework; the messages are its own, word for word.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/rng.h"
#include "scheduler/node_cache.h"

namespace pinnace::scheduler {

struct Decision {
  std::string node;  // empty: nowhere
  int total_nodes = 0;
  std::string obstacle;                 // What no node can help, such as a missing claim.
  std::map<std::string, int> reasons;   // reason → nodes that gave it
  std::uint32_t wakes = 0;              // Wake bits: what may help.
  std::vector<std::string> candidates;  // Nodes where other pods are what is in the way.

  // "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) were unschedulable."
  std::string message() const;
};

// `start` spreads the search in a big cluster over the nodes; it is moved on.
Decision schedule(const NodeCache& cache, const PodInfo& pod, Rng& rng, std::size_t& start);

struct Preemption {
  std::string node;                 // empty: no node would do
  std::vector<PodInfoRef> victims;  // of lower priority, the least that makes room
  std::string message;              // "preemption: 0/3 nodes are available: …"; empty with a node
};

// Which pods would have to leave, and where, for the pod to fit. Rules between pods (affinity,
// spread) are taken as they are: what they forbid is not cured by preemption.
Preemption plan_preemption(const NodeCache& cache, const PodInfo& pod, const Decision& decision);

}  // namespace pinnace::scheduler
