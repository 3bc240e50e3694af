#include "controllers/support/pods.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/strings.h"
#include "client/pod_trim.h"
#include "controllers/support/times.h"

namespace pinnace::controllers {
namespace {

// One pod with everything that its place in the order depends on, computed once.
struct Ranked {
  PodRef pod;
  bool assigned, ready;
  int phase;
  std::int64_t cost;
  int crowd;                // How many related pods share the node.
  std::int64_t ready_log2;  // Time being ready, as a power of two of nanoseconds; -1: none.
  std::int32_t restarts;
};

int phase_rank(std::string_view phase) {
  if (phase == "Pending" || phase.empty()) return 0;
  return phase == "Unknown" ? 1 : 2;
}

std::int64_t log2_age(WallTime since, WallTime now) {
  const auto age = (now - since).count();
  return age > 0 ? static_cast<std::int64_t>(std::log2(static_cast<double>(age))) : -1;
}

Ranked rank(const PodRef& pod, const std::map<std::string_view, int>& crowds, WallTime now) {
  Ranked ranked{
      pod, !pod->spec.node_name.empty(), is_ready(*pod), phase_rank(pod->status.phase), 0, 0, -1,
      0};
  const auto& annotations = pod->metadata.annotations;
  if (const auto cost = annotations.find(client::kPodDeletionCost); cost != annotations.end()) {
    ranked.cost = parse_int(cost->second).value_or(0);
  }
  if (const auto crowd = crowds.find(pod->spec.node_name); crowd != crowds.end()) {
    ranked.crowd = crowd->second;
  }
  if (const auto* ready = find_condition(*pod, "Ready");
      ready != nullptr && ready->status == "True" && !ready->last_transition_time.is_zero()) {
    ranked.ready_log2 = log2_age(ready->last_transition_time.value, now);
  }
  for (const auto& container : pod->status.container_statuses) {
    ranked.restarts = std::max(ranked.restarts, container.restart_count);
  }
  return ranked;
}

// True if `a` goes before `b`.
bool goes_first(const Ranked& a, const Ranked& b, WallTime now) {
  if (a.assigned != b.assigned) return !a.assigned;
  if (a.phase != b.phase) return a.phase < b.phase;
  if (a.ready != b.ready) return !a.ready;
  if (a.cost != b.cost) return a.cost < b.cost;
  if (a.crowd != b.crowd) return a.crowd > b.crowd;
  if (a.ready && b.ready && a.ready_log2 != b.ready_log2) return a.ready_log2 < b.ready_log2;
  if (a.restarts != b.restarts) return a.restarts > b.restarts;
  const auto age_a = log2_age(a.pod->metadata.creation_timestamp.value, now);
  const auto age_b = log2_age(b.pod->metadata.creation_timestamp.value, now);
  if (age_a != age_b) return age_a < age_b;
  return a.pod->metadata.uid < b.pod->metadata.uid;
}

}  // namespace

const core_v1::PodCondition* find_condition(const core_v1::Pod& pod, std::string_view type) {
  for (const auto& condition : pod.status.conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

bool is_ready(const core_v1::Pod& pod) {
  const auto* ready = find_condition(pod, "Ready");
  return ready != nullptr && ready->status == "True";
}

bool is_available(const core_v1::Pod& pod, Duration min_ready, WallTime now) {
  const auto* ready = find_condition(pod, "Ready");
  if (ready == nullptr || ready->status != "True") return false;
  if (min_ready <= Duration::zero()) return true;
  return !ready->last_transition_time.is_zero() &&
         ready->last_transition_time.value + min_ready <= now;
}

bool is_finished(const core_v1::Pod& pod) {
  return pod.status.phase == "Succeeded" || pod.status.phase == "Failed";
}

std::vector<PodRef> active_pods(const std::vector<PodRef>& pods) {
  std::vector<PodRef> active;
  for (const auto& pod : pods) {
    if (is_active(*pod)) active.push_back(pod);
  }
  return active;
}

Duration next_availability(const std::vector<PodRef>& pods, Duration min_ready, WallTime now) {
  Duration next = Duration::zero();
  for (const auto& pod : pods) {
    if (!is_ready(*pod) || is_available(*pod, min_ready, now)) continue;
    const auto left = find_condition(*pod, "Ready")->last_transition_time.value + min_ready - now;
    if (next == Duration::zero() || left < next) next = left;
  }
  return next;
}

std::vector<PodRef> choose_pods_to_remove(std::vector<PodRef> pods,
                                          const std::vector<PodRef>& related, std::size_t count,
                                          WallTime now) {
  if (count >= pods.size()) return pods;
  std::map<std::string_view, int> crowds;
  for (const auto& pod : related) {
    if (is_active(*pod) && !pod->spec.node_name.empty()) ++crowds[pod->spec.node_name];
  }
  std::vector<Ranked> ranked;
  ranked.reserve(pods.size());
  for (const auto& pod : pods) ranked.push_back(rank(pod, crowds, now));
  std::sort(ranked.begin(), ranked.end(),
            [now](const Ranked& a, const Ranked& b) { return goes_first(a, b, now); });
  pods.clear();
  for (std::size_t i = 0; i < count; ++i) pods.push_back(ranked[i].pod);
  return pods;
}

void set_condition(core_v1::Pod& pod, core_v1::PodCondition condition, WallTime now) {
  if (condition.last_transition_time.is_zero()) condition.last_transition_time = to_time(now);
  for (auto& existing : pod.status.conditions) {
    if (existing.type != condition.type) continue;
    if (existing.status == condition.status) {
      condition.last_transition_time = existing.last_transition_time;
    }
    existing = std::move(condition);
    return;
  }
  pod.status.conditions.push_back(std::move(condition));
}

core_v1::Pod pod_from_template(const core_v1::PodTemplateSpec& template_,
                               const meta_v1::ObjectMeta& owner,
                               const meta_v1::OwnerReference& reference) {
  core_v1::Pod pod;
  pod.metadata.namespace_ = owner.namespace_;
  pod.metadata.generate_name = owner.name + '-';
  pod.metadata.labels = template_.metadata.labels;
  pod.metadata.annotations = template_.metadata.annotations;
  pod.metadata.finalizers = template_.metadata.finalizers;
  pod.metadata.owner_references = {reference};
  pod.spec = template_.spec;
  return pod;
}

}  // namespace pinnace::controllers
