#include <algorithm>
#include <limits>

#include "scheduler/plugins.h"

namespace pinnace::scheduler {
namespace {

using api::core_v1::TopologySpreadConstraint;

api::LabelSelector selector_of(const TopologySpreadConstraint& constraint, const PodInfo& pod) {
  if (!constraint.label_selector) return api::LabelSelector::nothing();
  const auto made = api::label_selector_of(*constraint.label_selector);
  if (!made) return api::LabelSelector::nothing();
  if (constraint.match_label_keys.empty()) return *made;
  auto requirements = made->requirements();
  for (const auto& key : constraint.match_label_keys) {
    const auto label = pod.pod->metadata.labels.find(key);
    if (label == pod.pod->metadata.labels.end()) continue;
    requirements.push_back({key, api::LabelOperator::kIn, {label->second}});
  }
  return api::LabelSelector(std::move(requirements));
}

bool counts(const TopologySpreadConstraint& constraint, const PodInfo& pod, const NodeInfo& node) {
  if (constraint.node_affinity_policy.value_or("Honor") == "Honor" &&
      !matches_node_selectors(*pod.pod, node)) {
    return false;
  }
  if (constraint.node_taints_policy.value_or("Ignore") != "Honor") return true;
  return std::ranges::all_of(node.node->spec.taints, [&](const auto& taint) {
    return taint.effect == "PreferNoSchedule" || tolerates(*pod.pod, taint);
  });
}

}  // namespace

void prepare_spread(Cycle& cycle) {
  for (const auto& constraint : cycle.pod.pod->spec.topology_spread_constraints) {
    Cycle::Spread spread;
    spread.constraint = &constraint;
    spread.hard = constraint.when_unsatisfiable != "ScheduleAnyway";
    const auto selector = selector_of(constraint, cycle.pod);
    spread.self = selector.matches(cycle.pod.pod->metadata.labels);
    for (const auto& [name, node] : cycle.cache.nodes()) {
      const auto* value = node.label(constraint.topology_key);
      if (!value || !counts(constraint, cycle.pod, node)) continue;
      int& count = spread.domains.pods[*value];
      for (const auto& [uid, other] : node.pods) {
        if (other->ns() == cycle.pod.ns() && !other->pod->metadata.deletion_timestamp.is_zero()) {
          continue;
        }
        if (other->ns() == cycle.pod.ns() && selector.matches(other->pod->metadata.labels)) {
          ++count;
        }
      }
    }
    int smallest = std::numeric_limits<int>::max();
    for (const auto& [value, count] : spread.domains.pods) smallest = std::min(smallest, count);
    const auto domains = static_cast<std::int32_t>(spread.domains.pods.size());
    // With fewer domains than wanted, those that are missing count as empty.
    spread.smallest = domains < constraint.min_domains.value_or(1) ? 0 : smallest;
    cycle.spreads.push_back(std::move(spread));
  }
}

FilterResult check_spread(const Cycle& cycle, const NodeInfo& node) {
  for (const auto& spread : cycle.spreads) {
    if (!spread.hard) continue;
    const auto* value = node.label(spread.constraint->topology_key);
    if (!value) {
      return {Verdict::kUnresolvable,
              {"node(s) didn't match pod topology spread constraints (missing required label)"}};
    }
    const auto found = spread.domains.pods.find(*value);
    const int here = found == spread.domains.pods.end() ? 0 : found->second;
    if (here + (spread.self ? 1 : 0) - spread.smallest > spread.constraint->max_skew) {
      return {Verdict::kUnschedulable, {"node(s) didn't match pod topology spread constraints"}};
    }
  }
  return {};
}

// Fewer pods in the node's domains is better; a node outside all domains is worst.
std::int64_t score_spread(const Cycle& cycle, const NodeInfo& node) {
  std::int64_t sum = 0;
  for (const auto& spread : cycle.spreads) {
    if (spread.hard) continue;
    const auto* value = node.label(spread.constraint->topology_key);
    const auto found = value ? spread.domains.pods.find(*value) : spread.domains.pods.end();
    if (found != spread.domains.pods.end()) {
      sum += found->second;
      continue;
    }
    int most = 0;
    for (const auto& [domain, count] : spread.domains.pods) most = std::max(most, count);
    sum += most + 1;
  }
  return sum;
}

}  // namespace pinnace::scheduler
