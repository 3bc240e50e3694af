#include "controllers/pod_gc/plan.h"

#include <algorithm>

namespace pinnace::controllers::pod_gc {

std::vector<Removal> plan_removals(const std::vector<PodRef>& pods, std::int32_t threshold,
                                   const std::function<bool(const std::string&)>& node_exists,
                                   const std::function<bool(const std::string&)>& out_of_service) {
  std::vector<Removal> removals;
  std::vector<PodRef> finished;
  for (const auto& pod : pods) {
    const std::string& node = pod->spec.node_name;
    if (node.empty()) {
      if (is_deleting(*pod)) removals.push_back({pod, "", ""});
    } else if (!node_exists(node)) {
      removals.push_back({pod, "DeletionByPodGC", "PodGC: node no longer exists"});
    } else if (is_deleting(*pod) && out_of_service(node)) {
      removals.push_back({pod, "DeletionByPodGC", "PodGC: node is out-of-service"});
    } else if (is_finished(*pod) && !is_deleting(*pod)) {
      finished.push_back(pod);
    }
  }
  const auto surplus = static_cast<std::int64_t>(finished.size()) - threshold;
  if (threshold <= 0 || surplus <= 0) return removals;
  std::sort(finished.begin(), finished.end(), [](const PodRef& a, const PodRef& b) {
    const auto &time_a = a->metadata.creation_timestamp.value,
               &time_b = b->metadata.creation_timestamp.value;
    return time_a != time_b ? time_a < time_b : a->metadata.name < b->metadata.name;
  });
  for (std::int64_t i = 0; i < surplus; ++i) {
    removals.push_back({finished[static_cast<std::size_t>(i)], "", ""});
  }
  return removals;
}

}  // namespace pinnace::controllers::pod_gc
