#include <algorithm>
#include <cmath>

#include "scheduler/plugins.h"

namespace pinnace::scheduler {
namespace {

std::int64_t free_share(std::int64_t used, std::int64_t capacity) {
  if (capacity <= 0 || used > capacity) return 0;
  return (capacity - used) * 100 / capacity;
}

// Prefers nodes with more left.
std::int64_t least_allocated(const Cycle& cycle, const NodeInfo& node) {
  const auto cpu =
      free_share(node.scored_milli_cpu + cycle.pod.scored_milli_cpu, node.allocatable.milli_cpu);
  const auto memory = free_share(node.scored_memory_bytes + cycle.pod.scored_memory_bytes,
                                 node.allocatable.memory_bytes);
  return (cpu + memory) / 2;
}

// Prefers nodes where CPU and memory run out together.
std::int64_t balanced_allocation(const Cycle& cycle, const NodeInfo& node) {
  const auto share = [](std::int64_t used, std::int64_t capacity) {
    return capacity <= 0 ? 1.0
                         : std::min(1.0, static_cast<double>(used) / static_cast<double>(capacity));
  };
  const double cpu =
      share(node.requested.milli_cpu + cycle.pod.requests.milli_cpu, node.allocatable.milli_cpu);
  const double memory = share(node.requested.memory_bytes + cycle.pod.requests.memory_bytes,
                              node.allocatable.memory_bytes);
  return static_cast<std::int64_t>((1.0 - std::fabs(cpu - memory) / 2.0) * 100.0);
}

// Prefers nodes with fewer pods of the same controller.
std::int64_t owner_spread(const Cycle& cycle, const NodeInfo& node) {
  if (cycle.pod.owner_uid.empty()) return 0;
  const auto* counts = cycle.cache.pods_of_owner(cycle.pod.owner_uid);
  if (!counts) return 0;
  const auto here = counts->find(node.name());
  return here == counts->end() ? 0 : here->second;
}

std::int64_t soft_taints(const Cycle& cycle, const NodeInfo& node) {
  return std::ranges::count_if(node.node->spec.taints, [&](const auto& taint) {
    return taint.effect == "PreferNoSchedule" && !tolerates(*cycle.pod.pod, taint);
  });
}

std::int64_t preferred_node_affinity(const Cycle& cycle, const NodeInfo& node) {
  const auto& affinity = cycle.pod.pod->spec.affinity;
  if (!affinity || !affinity->node_affinity) return 0;
  std::int64_t sum = 0;
  for (const auto& term :
       affinity->node_affinity->preferred_during_scheduling_ignored_during_execution) {
    if (matches_term(term.preference, node)) sum += term.weight;
  }
  return sum;
}

std::string with_tag(const std::string& image) {
  return image.find(':', image.rfind('/') + 1) == std::string::npos ? image + ":latest" : image;
}

// Prefers nodes that have the pod's images already: by their bytes, and less so what few nodes
// have, so that these do not draw all pods to themselves.
std::int64_t image_locality(const Cycle& cycle, const NodeInfo& node) {
  constexpr std::int64_t kLeast = 23 << 20, kMostOfEach = 1000 << 20;
  const auto& images = node.node->status.images;
  if (images.empty()) return 0;
  const auto nodes = static_cast<std::int64_t>(cycle.cache.nodes().size());
  std::int64_t sum = 0, most = 0;
  const auto count = [&](const auto& containers) {
    for (const auto& container : containers) {
      most += kMostOfEach;
      const std::string name = with_tag(container.image);
      const auto found = std::ranges::find_if(images, [&name](const auto& image) {
        return std::ranges::find(image.names, name) != image.names.end();
      });
      if (found == images.end()) continue;
      sum += found->size_bytes * cycle.cache.nodes_with_image(name) / nodes;
    }
  };
  count(cycle.pod.pod->spec.init_containers);
  count(cycle.pod.pod->spec.containers);
  if (most == 0) return 0;
  return 100 * (std::clamp(sum, kLeast, most) - kLeast) / (most - kLeast);
}

// Weights as in Kubernetes: what a person asked for outweighs what is merely tidy.
constexpr Score kScores[] = {
    {"TaintToleration", 3, Normalize::kLowest, soft_taints},
    {"NodeAffinity", 2, Normalize::kHighest, preferred_node_affinity},
    {"InterPodAffinity", 2, Normalize::kHighest, score_affinity},
    {"PodTopologySpread", 2, Normalize::kLowest, score_spread},
    {"OwnerSpread", 2, Normalize::kLowest, owner_spread},
    {"NodeResourcesFit", 1, Normalize::kNone, least_allocated},
    {"NodeResourcesBalancedAllocation", 1, Normalize::kNone, balanced_allocation},
    {"ImageLocality", 1, Normalize::kNone, image_locality},
};

}  // namespace

std::span<const Score> scores() { return kScores; }

}  // namespace pinnace::scheduler
