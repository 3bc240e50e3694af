#include "controllers/node_lifecycle/plan.h"

#include <algorithm>
#include <array>

#include "controllers/support/times.h"

namespace pinnace::controllers::node_lifecycle {
namespace {

const core_v1::NodeCondition* find_condition(const Node& node, std::string_view type) {
  for (const auto& condition : node.status.conditions) {
    if (condition.type == type) return &condition;
  }
  return nullptr;
}

// Which condition and status keeps new pods away, under which taint.
struct ConditionTaint {
  std::string_view condition, status, taint;
};
constexpr std::array<ConditionTaint, 6> kConditionTaints = {{
    {"Ready", "False", kNotReadyTaint},
    {"Ready", "Unknown", kUnreachableTaint},
    {"MemoryPressure", "True", kMemoryPressureTaint},
    {"DiskPressure", "True", kDiskPressureTaint},
    {"PIDPressure", "True", kPidPressureTaint},
    {"NetworkUnavailable", "True", kNetworkUnavailableTaint},
}};

bool is_ours(const Taint& taint) {
  if (taint.effect == kNoExecute) {
    return taint.key == kNotReadyTaint || taint.key == kUnreachableTaint;
  }
  return taint.effect == kNoSchedule &&
         (taint.key == kUnschedulableTaint ||
          std::any_of(kConditionTaints.begin(), kConditionTaints.end(),
                      [&](const auto& rule) { return rule.taint == taint.key; }));
}

bool has(const std::vector<Taint>& taints, std::string_view key, std::string_view effect) {
  return std::any_of(taints.begin(), taints.end(), [&](const Taint& taint) {
    return taint.key == key && taint.effect == effect;
  });
}

Taint make_taint(std::string_view key, std::string_view effect, WallTime now) {
  Taint taint;
  taint.key = std::string(key);
  taint.effect = std::string(effect);
  taint.time_added = to_time(now);
  return taint;
}

std::vector<Taint> wanted_no_schedule(const Node& node, WallTime now) {
  std::vector<Taint> wanted;
  for (const auto& rule : kConditionTaints) {
    const auto* condition = find_condition(node, rule.condition);
    if (condition != nullptr && condition->status == rule.status) {
      wanted.push_back(make_taint(rule.taint, kNoSchedule, now));
    }
  }
  if (node.spec.unschedulable) {
    wanted.push_back(make_taint(kUnschedulableTaint, kNoSchedule, now));
  }
  return wanted;
}

std::string_view no_execute_key(const Node& node) {
  const auto* ready = find_condition(node, "Ready");
  if (ready == nullptr || ready->status == "True") return "";
  return ready->status == "False" ? kNotReadyTaint : kUnreachableTaint;
}

}  // namespace

Health observe(const std::optional<Health>& before, const Node& node,
               const api::coordination_v1::Lease* lease, WallTime now) {
  Health health;
  const auto* ready = find_condition(node, "Ready");
  if (ready != nullptr) health.heartbeat = ready->last_heartbeat_time;
  if (lease != nullptr) health.renewed = lease->spec.renew_time;
  health.reported = ready != nullptr && ready->reason != "NodeStatusNeverUpdated";
  if (!before) {
    // Ours are the first eyes on it: it has its grace from now on, unless it never spoke at all.
    health.seen = ready != nullptr || lease != nullptr || node.metadata.creation_timestamp.is_zero()
                      ? now
                      : node.metadata.creation_timestamp.value;
    return health;
  }
  // Our own verdict changes conditions too, but never lastHeartbeatTime.
  const bool changed = health.heartbeat != before->heartbeat || health.renewed > before->renewed;
  health.seen = changed ? now : before->seen;
  return health;
}

bool is_silent(const Health& health, const Settings& settings, WallTime now) {
  const Duration grace =
      health.reported ? settings.node_monitor_grace : settings.node_startup_grace;
  return now > health.seen + grace;
}

std::optional<std::vector<core_v1::NodeCondition>> plan_conditions(const Node& node, WallTime now) {
  auto conditions = node.status.conditions;
  bool changed = false;
  for (const std::string_view type : {"Ready", "MemoryPressure", "DiskPressure", "PIDPressure"}) {
    const auto found = std::find_if(conditions.begin(), conditions.end(),
                                    [&](const auto& condition) { return condition.type == type; });
    if (found == conditions.end()) {
      auto& condition = conditions.emplace_back();
      condition.type = std::string(type);
      condition.status = "Unknown";
      condition.reason = "NodeStatusNeverUpdated";
      condition.message = "Kubelet never posted node status.";
      condition.last_heartbeat_time = node.metadata.creation_timestamp;
      condition.last_transition_time = to_time(now);
      changed = true;
    } else if (found->status != "Unknown") {
      found->status = "Unknown";
      found->reason = "NodeStatusUnknown";
      found->message = "Kubelet stopped posting node status.";
      found->last_transition_time = to_time(now);
      changed = true;
    }
  }
  if (!changed) return std::nullopt;
  return conditions;
}

std::string_view readiness(const Node& node) {
  const auto* ready = find_condition(node, "Ready");
  return ready == nullptr ? std::string_view("Unknown") : std::string_view(ready->status);
}

Disruption disruption_of(std::size_t ready, std::size_t not_ready) {
  if (ready == 0 && not_ready > 0) return Disruption::kFull;
  constexpr double kUnhealthyShare = 0.55;
  const double share = static_cast<double>(not_ready) /
                       static_cast<double>(std::max<std::size_t>(1, ready + not_ready));
  return not_ready > 2 && share >= kUnhealthyShare ? Disruption::kPartial : Disruption::kNone;
}

std::optional<Duration> eviction_gap(Disruption disruption, std::size_t zone_size) {
  constexpr std::size_t kLargeZone = 50;
  if (disruption != Disruption::kPartial) return seconds(10);
  if (zone_size <= kLargeZone) return std::nullopt;
  return seconds(100);
}

TaintPlan plan_taints(const Node& node, bool may_evict, bool evictions_halted, WallTime now) {
  TaintPlan plan;
  std::vector<Taint> wanted = wanted_no_schedule(node, now);
  if (const auto key = no_execute_key(node); !key.empty() && !evictions_halted) {
    const bool evicting = has(node.spec.taints, kNotReadyTaint, kNoExecute) ||
                          has(node.spec.taints, kUnreachableTaint, kNoExecute);
    if (evicting || may_evict) {
      wanted.push_back(make_taint(key, kNoExecute, now));
      plan.evicts = !evicting;
    } else {
      plan.deferred = true;
    }
  }
  for (const auto& taint : node.spec.taints) {
    if (!is_ours(taint) || has(wanted, taint.key, taint.effect))
      plan.taints.push_back(taint);
    else
      plan.changed = true;
  }
  for (auto& taint : wanted) {
    if (has(node.spec.taints, taint.key, taint.effect)) continue;
    plan.taints.push_back(std::move(taint));
    plan.changed = true;
  }
  return plan;
}

std::optional<WallTime> eviction_time(const core_v1::Pod& pod, const std::vector<Taint>& taints,
                                      WallTime since) {
  std::optional<WallTime> earliest;
  const auto leave_at = [&](WallTime time) {
    if (!earliest || time < *earliest) earliest = time;
  };
  for (const auto& taint : taints) {
    if (taint.effect != kNoExecute) continue;
    const WallTime from = taint.time_added.is_zero() ? since : taint.time_added.value;
    if (!tolerated(pod.spec.tolerations, taint)) leave_at(from);
    for (const auto& toleration : pod.spec.tolerations) {
      if (!tolerates(toleration, taint) || !toleration.toleration_seconds) continue;
      leave_at(from + seconds(std::max<std::int64_t>(0, *toleration.toleration_seconds)));
    }
  }
  return earliest;
}

}  // namespace pinnace::controllers::node_lifecycle
