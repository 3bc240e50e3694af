#include "controllers/deployment/plan.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/strings.h"

namespace pinnace::controllers::deployment {
namespace {

std::int32_t size_of(const SetRef& set) { return set->spec.replicas.value_or(1); }
// A set that was told to shrink may not have said yet that it did: what it will lose is not
// counted.
std::int32_t available_of(const SetRef& set) {
  return std::min(set->status.available_replicas, size_of(set));
}
std::int32_t wanted(const Deployment& deployment) { return deployment.spec.replicas.value_or(1); }

std::vector<SetRef> all_of(const Sets& sets) {
  std::vector<SetRef> all = sets.old;
  if (sets.current) all.push_back(sets.current);
  return all;
}

std::int32_t total_size(const std::vector<SetRef>& sets) {
  std::int32_t total = 0;
  for (const auto& set : sets) total += size_of(set);
  return total;
}

std::vector<SetRef> active(std::vector<SetRef> sets) {
  std::erase_if(sets, [](const SetRef& set) { return size_of(set) == 0; });
  return sets;
}

void sort_oldest_first(std::vector<SetRef>& sets) {
  std::sort(sets.begin(), sets.end(), [](const SetRef& a, const SetRef& b) {
    const auto &time_a = a->metadata.creation_timestamp.value,
               &time_b = b->metadata.creation_timestamp.value;
    return time_a != time_b ? time_a < time_b : a->metadata.name < b->metadata.name;
  });
}

// Old sets shrink as far as availability allows: first by pods that are not available anyway.
std::vector<Scale> shrink_old_sets(const Deployment& deployment, const Sets& sets) {
  const auto all = all_of(sets);
  const std::int32_t min_available =
      wanted(deployment) - std::min(resolve_limits(deployment).max_unavailable, wanted(deployment));
  const std::int32_t new_unavailable =
      sets.current ? size_of(sets.current) - available_of(sets.current) : 0;
  const std::int32_t budget = total_size(all) - min_available - new_unavailable;
  if (budget <= 0) return {};

  std::vector<SetRef> old = active(sets.old);
  sort_oldest_first(old);
  std::vector<std::int32_t> sizes;
  std::int32_t cleaned = 0;
  for (const auto& set : old) {
    const std::int32_t broken = size_of(set) - available_of(set);
    const std::int32_t drop = std::min(budget - cleaned, broken);
    sizes.push_back(size_of(set) - drop);
    cleaned += drop;
  }
  std::int32_t available = 0;
  for (const auto& set : all) available += available_of(set);
  std::int32_t surplus = std::max(available - min_available, 0);
  std::vector<Scale> scales;
  for (std::size_t i = 0; i < old.size(); ++i) {
    const std::int32_t drop = std::min(sizes[i], surplus);
    surplus -= drop;
    sizes[i] -= drop;
    if (sizes[i] != size_of(old[i])) scales.push_back({old[i], sizes[i]});
  }
  return scales;
}

// What a set's replicas become when the whole grows or shrinks to its share of the new size.
std::int32_t share_of_growth(const Deployment& deployment, const SetRef& set) {
  if (wanted(deployment) == 0) return -size_of(set);
  std::int32_t before = annotation_number(*set, kMaxReplicas);
  if (before <= 0) before = deployment.status.replicas;
  if (before <= 0) return 0;
  const double after = wanted(deployment) + resolve_limits(deployment).max_surge;
  return static_cast<std::int32_t>(std::lround(size_of(set) * after / before)) - size_of(set);
}

std::vector<Scale> scale_in_proportion(const Deployment& deployment, const Sets& sets) {
  auto all = active(all_of(sets));
  const std::int32_t allowed =
      wanted(deployment) > 0 ? wanted(deployment) + resolve_limits(deployment).max_surge : 0;
  const std::int32_t to_add = allowed - total_size(all);
  sort_oldest_first(all);
  if (to_add > 0) std::reverse(all.begin(), all.end());
  std::stable_sort(all.begin(), all.end(),
                   [](const SetRef& a, const SetRef& b) { return size_of(a) > size_of(b); });
  std::vector<Scale> scales;
  std::int32_t added = 0;
  for (const auto& set : all) {
    std::int32_t change = 0;
    if (to_add != 0 && to_add != added) {
      change = share_of_growth(deployment, set);
      change = to_add > 0 ? std::min(change, to_add - added) : std::max(change, to_add - added);
    }
    added += change;
    scales.push_back({set, size_of(set) + change});
  }
  if (!scales.empty() && to_add != 0) {
    scales[0].replicas = std::max(scales[0].replicas + to_add - added, 0);
  }
  return scales;
}

// The one set that takes the whole size: the only active one or, if none is, the latest.
SetRef active_or_latest(const Sets& sets) {
  auto all = active(all_of(sets));
  if (all.size() == 1) return all[0];
  if (!all.empty()) return nullptr;
  if (sets.current) return sets.current;
  auto old = sets.old;
  sort_oldest_first(old);
  return old.empty() ? nullptr : old.back();
}

bool is_saturated(const Deployment& deployment, const SetRef& set) {
  return set && size_of(set) == wanted(deployment) &&
         annotation_number(*set, kDesiredReplicas) == wanted(deployment) &&
         set->status.available_replicas == wanted(deployment);
}

}  // namespace

Limits resolve_limits(const Deployment& deployment) {
  if (deployment.spec.strategy.type == "Recreate") return {};
  const auto& rolling = deployment.spec.strategy.rolling_update;
  const api::IntOrString quarter = api::IntOrString::from_string("25%");
  const auto scaled = [&](const std::optional<api::IntOrString>& value, bool up) {
    return std::max(scaled_value(value.value_or(quarter), wanted(deployment), up).value_or(0), 0);
  };
  Limits limits{scaled(rolling ? rolling->max_surge : std::nullopt, true),
                scaled(rolling ? rolling->max_unavailable : std::nullopt, false)};
  // Both may round to nothing; something must give, and users expect that it is a pod and not the
  // rollout.
  if (limits.max_surge == 0 && limits.max_unavailable == 0) limits.max_unavailable = 1;
  return limits;
}

std::int32_t new_set_size(const Deployment& deployment, const Sets& sets) {
  if (deployment.spec.strategy.type == "Recreate") return wanted(deployment);
  const std::int32_t size = sets.current ? size_of(sets.current) : 0;
  if (size >= wanted(deployment)) return wanted(deployment);
  const std::int32_t room =
      wanted(deployment) + resolve_limits(deployment).max_surge - total_size(all_of(sets));
  return size + std::clamp(room, 0, wanted(deployment) - size);
}

std::vector<Scale> plan_rolling_update(const Deployment& deployment, const Sets& sets) {
  if (sets.current) {
    const std::int32_t size = new_set_size(deployment, sets);
    if (size != size_of(sets.current)) return {{sets.current, size}};
  }
  return shrink_old_sets(deployment, sets);
}

std::vector<Scale> plan_recreate(const Sets& sets) {
  std::vector<Scale> scales;
  for (const auto& set : active(sets.old)) scales.push_back({set, 0});
  return scales;
}

bool old_pods_running(const Sets& sets, const std::vector<PodRef>& pods) {
  return std::any_of(pods.begin(), pods.end(), [&](const PodRef& pod) {
    const auto owner = controller_uid(pod->metadata);
    return !is_finished(*pod) && !(sets.current && sets.current->metadata.uid == owner);
  });
}

bool is_scaling(const Deployment& deployment, const Sets& sets) {
  const auto all = active(all_of(sets));
  return std::any_of(all.begin(), all.end(), [&](const SetRef& set) {
    return set->metadata.annotations.contains(kDesiredReplicas) &&
           annotation_number(*set, kDesiredReplicas) != wanted(deployment);
  });
}

std::vector<Scale> plan_scaling(const Deployment& deployment, const Sets& sets) {
  if (const auto only = active_or_latest(sets)) {
    if (size_of(only) == wanted(deployment)) return {};
    return {{only, wanted(deployment)}};
  }
  if (is_saturated(deployment, sets.current)) return plan_recreate(sets);
  if (deployment.spec.strategy.type == "Recreate") return {};
  return scale_in_proportion(deployment, sets);
}

std::vector<SetRef> plan_cleanup(const Deployment& deployment, const Sets& sets) {
  const auto limit = deployment.spec.revision_history_limit;
  if (!limit || *limit == std::numeric_limits<std::int32_t>::max()) return {};
  std::vector<SetRef> old = sets.old;
  std::erase_if(old, [](const SetRef& set) { return !set->metadata.deletion_timestamp.is_zero(); });
  const auto surplus = static_cast<std::int64_t>(old.size()) - *limit;
  if (surplus <= 0) return {};
  std::stable_sort(old.begin(), old.end(), [](const SetRef& a, const SetRef& b) {
    return revision_of(a->metadata) < revision_of(b->metadata);
  });
  old.resize(static_cast<std::size_t>(surplus));
  std::erase_if(old, [](const SetRef& set) {
    return set->status.replicas != 0 || size_of(set) != 0 ||
           set->metadata.generation > set->status.observed_generation;
  });
  return old;
}

}  // namespace pinnace::controllers::deployment
