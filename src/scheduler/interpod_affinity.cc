#include <algorithm>

#include "scheduler/plugins.h"

namespace pinnace::scheduler {
namespace {

constexpr std::int64_t kHardAffinityWeight = 1;

int count_at(const DomainCounts& counts, const std::string* value) {
  if (!value) return 0;
  const auto found = counts.pods.find(*value);
  return found == counts.pods.end() ? 0 : found->second;
}

// Terms of pods that are placed already and concern the pod that is to be placed.
void prepare_others(Cycle& cycle) {
  for (const auto& [uid, node_name] : cycle.cache.pods_with_terms()) {
    const auto node = cycle.cache.nodes().find(node_name);
    if (node == cycle.cache.nodes().end()) continue;
    const PodInfo& other = *node->second.pods.at(uid);
    for (const auto& term : other.anti_affinity) {
      const auto* value = node->second.label(term.topology_key);
      if (value && matches_term(term, cycle.pod, cycle.cache)) {
        ++cycle.forbidden_by_others[term.topology_key][*value];
      }
    }
    const auto attract = [&](const AffinityTerm& term, std::int64_t weight) {
      const auto* value = node->second.label(term.topology_key);
      if (value && matches_term(term, cycle.pod, cycle.cache)) {
        cycle.preferred[term.topology_key][*value] += weight;
      }
    };
    for (const auto& term : other.affinity) attract(term, kHardAffinityWeight);
    for (const auto& term : other.preferred) attract(term, term.weight);
  }
}

}  // namespace

void prepare_affinity(Cycle& cycle) {
  const PodInfo& pod = cycle.pod;
  if (!cycle.cache.pods_with_terms().empty()) prepare_others(cycle);
  if (pod.affinity.empty() && pod.anti_affinity.empty() && pod.preferred.empty()) return;
  cycle.affinity.resize(pod.affinity.size());
  cycle.anti_affinity.resize(pod.anti_affinity.size());
  const auto matches = [&](const PodInfo& other) {
    return [&](const AffinityTerm& term) { return matches_term(term, other, cycle.cache); };
  };
  for (const auto& [name, node] : cycle.cache.nodes()) {
    for (const auto& [uid, other] : node.pods) {
      const auto is_match = matches(*other);
      if (!pod.affinity.empty() && std::ranges::all_of(pod.affinity, is_match)) {
        for (std::size_t i = 0; i < pod.affinity.size(); ++i) {
          const auto* value = node.label(pod.affinity[i].topology_key);
          if (!value) continue;
          ++cycle.affinity[i].pods[*value];
          cycle.any_affinity_match = true;
        }
      }
      for (std::size_t i = 0; i < pod.anti_affinity.size(); ++i) {
        const auto* value = node.label(pod.anti_affinity[i].topology_key);
        if (value && is_match(pod.anti_affinity[i])) ++cycle.anti_affinity[i].pods[*value];
      }
      for (const auto& term : pod.preferred) {
        const auto* value = node.label(term.topology_key);
        if (value && is_match(term)) cycle.preferred[term.topology_key][*value] += term.weight;
      }
    }
  }
  cycle.matches_own_affinity = std::ranges::all_of(pod.affinity, matches(pod));
}

FilterResult check_affinity(const Cycle& cycle, const NodeInfo& node) {
  const PodInfo& pod = cycle.pod;
  bool all_there = true;
  for (std::size_t i = 0; i < pod.affinity.size(); ++i) {
    const auto* value = node.label(pod.affinity[i].topology_key);
    if (!value) return {Verdict::kUnresolvable, {"node(s) didn't match pod affinity rules"}};
    if (count_at(cycle.affinity[i], value) == 0) all_there = false;
  }
  // The first of a group that wants to be together has nobody to join yet.
  const bool first = !cycle.any_affinity_match && cycle.matches_own_affinity;
  if (!all_there && !first) {
    return {Verdict::kUnresolvable, {"node(s) didn't match pod affinity rules"}};
  }
  for (std::size_t i = 0; i < pod.anti_affinity.size(); ++i) {
    if (count_at(cycle.anti_affinity[i], node.label(pod.anti_affinity[i].topology_key)) > 0) {
      return {Verdict::kUnschedulable, {"node(s) didn't match pod anti-affinity rules"}};
    }
  }
  for (const auto& [key, values] : cycle.forbidden_by_others) {
    const auto* value = node.label(key);
    if (value && values.contains(*value)) {
      return {Verdict::kUnschedulable,
              {"node(s) didn't satisfy existing pods anti-affinity rules"}};
    }
  }
  return {};
}

std::int64_t score_affinity(const Cycle& cycle, const NodeInfo& node) {
  std::int64_t sum = 0;
  for (const auto& [key, values] : cycle.preferred) {
    const auto* value = node.label(key);
    if (!value) continue;
    if (const auto found = values.find(*value); found != values.end()) sum += found->second;
  }
  return sum;
}

}  // namespace pinnace::scheduler
