#include "scheduler/schedule.h"

#include <algorithm>

#include "scheduler/plugins.h"

namespace pinnace::scheduler {
namespace {

constexpr std::size_t kAlwaysSearched = 100;  // nodes; in greater clusters a share is enough

std::string histogram(int total_nodes, const std::map<std::string, int>& reasons) {
  std::vector<std::string> parts;
  for (const auto& [reason, count] : reasons) {
    parts.push_back(std::to_string(count) + ' ' + reason);
  }
  std::ranges::sort(parts);
  std::string text = "0/" + std::to_string(total_nodes) + " nodes are available:";
  for (std::size_t i = 0; i < parts.size(); ++i) text += (i > 0 ? ", " : " ") + parts[i];
  return text + (parts.empty() ? "" : ".");
}

// The first filter that says no decides: later ones are not asked, as in Kubernetes.
FilterResult run_filters(const Cycle& cycle, const NodeInfo& node, std::uint32_t* wakes) {
  for (const auto& filter : filters()) {
    FilterResult result = filter.check(cycle, node);
    if (result.verdict == Verdict::kFits) continue;
    if (wakes) *wakes |= filter.wakes;
    return result;
  }
  return {};
}

// Room that was made for a pod of the same or a higher priority is not ours.
FilterResult check_node(const Cycle& cycle, const NodeInfo& node, std::uint32_t* wakes) {
  std::optional<NodeInfo> with_nominated;
  for (const auto& [uid, nomination] : cycle.cache.nominated()) {
    if (nomination.node != node.name() || uid == cycle.pod.uid()) continue;
    if (nomination.pod->priority < cycle.pod.priority) continue;
    if (!with_nominated) with_nominated = node;
    with_nominated->add(nomination.pod);
  }
  if (with_nominated) {
    auto result = run_filters(cycle, *with_nominated, wakes);
    if (result.verdict != Verdict::kFits) return result;
  }
  return run_filters(cycle, node, wakes);
}

// How many fitting nodes are enough to choose from.
std::size_t enough(std::size_t nodes) {
  if (nodes <= kAlwaysSearched) return nodes;
  const std::size_t percent = std::max<std::size_t>(5, 50 - std::min<std::size_t>(45, nodes / 125));
  return std::max(kAlwaysSearched, nodes * percent / 100);
}

void normalize(std::vector<std::int64_t>& values, Normalize how) {
  if (how == Normalize::kNone || values.empty()) return;
  const std::int64_t low = std::min<std::int64_t>(0, *std::ranges::min_element(values));
  const std::int64_t high = std::max<std::int64_t>(0, *std::ranges::max_element(values));
  for (auto& value : values) {
    const std::int64_t share = high == low ? 0 : (value - low) * 100 / (high - low);
    value = how == Normalize::kHighest ? share : 100 - share;
  }
}

std::string best_of(const Cycle& cycle, const std::vector<const NodeInfo*>& fitting, Rng& rng) {
  if (fitting.size() == 1) return fitting[0]->name();
  std::vector<std::int64_t> totals(fitting.size()), values(fitting.size());
  for (const auto& plugin : scores()) {
    for (std::size_t i = 0; i < fitting.size(); ++i) values[i] = plugin.score(cycle, *fitting[i]);
    normalize(values, plugin.normalize);
    for (std::size_t i = 0; i < fitting.size(); ++i) totals[i] += plugin.weight * values[i];
  }
  const std::int64_t best = *std::ranges::max_element(totals);
  const auto ties = static_cast<std::uint64_t>(std::ranges::count(totals, best));
  std::uint64_t chosen = ties > 1 ? rng.below(ties) : 0;
  for (std::size_t i = 0;; ++i) {
    if (totals[i] == best && chosen-- == 0) return fitting[i]->name();
  }
}

// A claim that is missing or unbound is missing on every node.
std::string volume_obstacle(const NodeCache& cache, const PodInfo& pod) {
  for (const auto& volume : pod.pod->spec.volumes) {
    std::string name;
    if (volume.persistent_volume_claim)
      name = volume.persistent_volume_claim->claim_name;
    else if (volume.ephemeral)
      name = pod.pod->metadata.name + '-' + volume.name;
    else
      continue;
    const auto bound = cache.claim(pod.ns() + '/' + name);
    if (!bound) return "persistentvolumeclaim \"" + name + "\" not found";
    if (!*bound) return "pod has unbound immediate PersistentVolumeClaims";
  }
  return {};
}

}  // namespace

std::string Decision::message() const {
  if (total_nodes == 0) return "no nodes available to schedule pods";
  if (!obstacle.empty()) {
    return "0/" + std::to_string(total_nodes) + " nodes are available: " + obstacle + '.';
  }
  return histogram(total_nodes, reasons);
}

Decision schedule(const NodeCache& cache, const PodInfo& pod, Rng& rng, std::size_t& start) {
  Decision decision;
  decision.total_nodes = static_cast<int>(cache.nodes().size());
  decision.wakes = kNodeAdded;
  if (cache.nodes().empty()) return decision;
  decision.obstacle = volume_obstacle(cache, pod);
  if (!decision.obstacle.empty()) {
    decision.wakes = kClaimChanged;
    return decision;
  }
  const Cycle cycle(cache, pod);
  const std::size_t count = cache.nodes().size();
  const std::size_t wanted = enough(count);
  start %= count;
  auto node =
      std::next(cache.nodes().begin(), wanted == count ? 0 : static_cast<std::ptrdiff_t>(start));
  std::vector<const NodeInfo*> fitting;
  std::size_t looked_at = 0;
  for (; looked_at < count && fitting.size() < wanted; ++looked_at) {
    FilterResult result = check_node(cycle, node->second, &decision.wakes);
    if (result.verdict == Verdict::kFits) fitting.push_back(&node->second);
    if (result.verdict == Verdict::kUnschedulable) decision.candidates.push_back(node->first);
    for (auto& reason : result.reasons) ++decision.reasons[std::move(reason)];
    if (++node == cache.nodes().end()) node = cache.nodes().begin();
  }
  start += looked_at;
  if (!fitting.empty()) decision.node = best_of(cycle, fitting, rng);
  return decision;
}

namespace {

struct Candidate {
  std::string node;
  std::vector<PodInfoRef> victims;  // highest priority first
  std::int64_t priority_sum = 0;
};

bool more_important(const PodInfoRef& a, const PodInfoRef& b) {
  if (a->priority != b->priority) return a->priority > b->priority;
  const auto& since_a = a->pod->status.start_time;
  const auto& since_b = b->pod->status.start_time;
  return since_a.value < since_b.value;
}

// The least that must leave the node, if that is enough.
std::optional<Candidate> victims_on(const Cycle& cycle, const NodeInfo& node) {
  NodeInfo room = node;
  std::vector<PodInfoRef> lower;
  for (const auto& [uid, pod] : node.pods) {
    if (pod->priority < cycle.pod.priority) lower.push_back(pod);
  }
  for (const auto& pod : lower) room.remove(pod->uid());
  if (lower.empty() || run_filters(cycle, room, nullptr).verdict != Verdict::kFits) {
    return std::nullopt;
  }
  std::ranges::sort(lower, more_important);
  Candidate candidate{node.name(), {}, 0};
  for (const auto& pod : lower) {
    room.add(pod);
    if (run_filters(cycle, room, nullptr).verdict == Verdict::kFits) continue;
    room.remove(pod->uid());
    candidate.victims.push_back(pod);
    candidate.priority_sum += pod->priority;
  }
  return candidate;
}

// The least harm: the lowest highest priority, then the least in sum, then the fewest.
bool less_harm(const Candidate& a, const Candidate& b) {
  const auto key = [](const Candidate& c) {
    return std::tuple(c.victims.empty() ? INT32_MIN : c.victims[0]->priority, c.priority_sum,
                      c.victims.size());
  };
  return key(a) < key(b);
}

}  // namespace

// What Kubernetes says of devices first, which are not scheduled for here.
constexpr const char* kNoClaims = "no new claims to deallocate, ";

Preemption plan_preemption(const NodeCache& cache, const PodInfo& pod, const Decision& decision) {
  Preemption plan;
  if (decision.total_nodes == 0) return plan;
  if (pod.pod->spec.preemption_policy.value_or("") == "Never") {
    plan.message =
        std::string(kNoClaims) + "preemption: not eligible due to preemptionPolicy=Never.";
    return plan;
  }
  std::optional<Candidate> best;
  if (!decision.candidates.empty()) {
    const Cycle cycle(cache, pod);
    for (const auto& name : decision.candidates) {
      auto candidate = victims_on(cycle, cache.nodes().at(name));
      if (candidate && (!best || less_harm(*candidate, *best))) best = std::move(candidate);
    }
  }
  if (best) {
    plan.node = best->node;
    plan.victims = std::move(best->victims);
    return plan;
  }
  const int tried = static_cast<int>(decision.candidates.size());
  std::map<std::string, int> reasons;
  if (tried > 0) reasons["No preemption victims found for incoming pod"] = tried;
  if (tried < decision.total_nodes) {
    reasons["Preemption is not helpful for scheduling"] = decision.total_nodes - tried;
  }
  plan.message =
      std::string(kNoClaims) + "preemption: " + histogram(decision.total_nodes, reasons);
  return plan;
}

}  // namespace pinnace::scheduler
