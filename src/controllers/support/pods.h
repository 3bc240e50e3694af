// What a controller asks of a pod: is it live, ready, available, and which is spared last.
//
// Source: Kubernetes pod lifecycle; ReplicaSet "Pod deletion cost" and scale-down order.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "controllers/support/types.h"

namespace pinnace::controllers {

using PodRef = std::shared_ptr<const core_v1::Pod>;

const core_v1::PodCondition* find_condition(const core_v1::Pod& pod, std::string_view type);
bool is_ready(const core_v1::Pod& pod);
// Ready for at least `min_ready`.
bool is_available(const core_v1::Pod& pod, Duration min_ready, WallTime now);
bool is_finished(const core_v1::Pod& pod);  // Succeeded or Failed
inline bool is_deleting(const core_v1::Pod& pod) {
  return !pod.metadata.deletion_timestamp.is_zero();
}
// Neither finished nor being deleted: what replica counts are about.
inline bool is_active(const core_v1::Pod& pod) { return !is_finished(pod) && !is_deleting(pod); }
std::vector<PodRef> active_pods(const std::vector<PodRef>& pods);

// When the next ready pod becomes available, counted from now; zero if none is waiting.
Duration next_availability(const std::vector<PodRef>& pods, Duration min_ready, WallTime now);

// The `count` pods of `pods` (all active) that scaling down removes first. `related` are the
// active pods whose crowding on a node counts.
std::vector<PodRef> choose_pods_to_remove(std::vector<PodRef> pods,
                                          const std::vector<PodRef>& related, std::size_t count,
                                          WallTime now);

// Sets or replaces the condition of this type; keeps lastTransitionTime if the status is the same.
void set_condition(core_v1::Pod& pod, core_v1::PodCondition condition, WallTime now);

// A new pod from a template, controlled by `owner`; generateName is NAME-.
core_v1::Pod pod_from_template(const core_v1::PodTemplateSpec& template_,
                               const meta_v1::ObjectMeta& owner,
                               const meta_v1::OwnerReference& reference);

}  // namespace pinnace::controllers
