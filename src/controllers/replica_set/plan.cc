#include "controllers/replica_set/plan.h"

#include <algorithm>

namespace pinnace::controllers::replica_set {

Changes plan_replicas(std::int32_t wanted, const std::vector<PodRef>& active,
                      const std::vector<PodRef>& related, WallTime now) {
  const auto have = static_cast<std::int64_t>(active.size());
  Changes changes;
  if (have < wanted) {
    changes.create = std::min<std::size_t>(static_cast<std::size_t>(wanted - have), kBurst);
  } else if (have > wanted) {
    const auto surplus = std::min<std::size_t>(static_cast<std::size_t>(have - wanted), kBurst);
    changes.remove = choose_pods_to_remove(active, related, surplus, now);
  }
  return changes;
}

Counts count_pods(const std::vector<PodRef>& active, const Labels& template_labels,
                  Duration min_ready, WallTime now) {
  Counts counts;
  counts.replicas = static_cast<std::int32_t>(active.size());
  for (const auto& pod : active) {
    if (template_labels.empty() || matches(template_labels, pod->metadata.labels)) {
      ++counts.fully_labeled;
    }
    if (!is_ready(*pod)) continue;
    ++counts.ready;
    if (is_available(*pod, min_ready, now)) ++counts.available;
  }
  return counts;
}

}  // namespace pinnace::controllers::replica_set
