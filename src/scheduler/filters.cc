#include <algorithm>

#include "base/strings.h"
#include "scheduler/plugins.h"

namespace pinnace::scheduler {
namespace {

using api::core_v1::NodeSelectorRequirement;
using api::core_v1::Pod;
using api::core_v1::Taint;
using api::core_v1::Toleration;

constexpr char kUnschedulableTaint[] = "node.kubernetes.io/unschedulable";

FilterResult no(Verdict verdict, std::string reason) { return {verdict, {std::move(reason)}}; }

FilterResult check_unschedulable(const Cycle& cycle, const NodeInfo& node) {
  if (!node.node->spec.unschedulable) return {};
  Taint taint;
  taint.key = kUnschedulableTaint;
  taint.effect = "NoSchedule";
  if (tolerates(*cycle.pod.pod, taint)) return {};
  return no(Verdict::kUnresolvable, "node(s) were unschedulable");
}

FilterResult check_node_name(const Cycle& cycle, const NodeInfo& node) {
  const auto& wanted = cycle.pod.pod->spec.node_name;
  if (wanted.empty() || wanted == node.name()) return {};
  return no(Verdict::kUnresolvable, "node(s) didn't match the requested node name");
}

FilterResult check_taints(const Cycle& cycle, const NodeInfo& node) {
  for (const auto& taint : node.node->spec.taints) {
    if (taint.effect != "NoSchedule" && taint.effect != "NoExecute") continue;
    if (tolerates(*cycle.pod.pod, taint)) continue;
    return no(Verdict::kUnresolvable, "node(s) had untolerated taint(s)");
  }
  return {};
}

FilterResult check_node_affinity(const Cycle& cycle, const NodeInfo& node) {
  if (matches_node_selectors(*cycle.pod.pod, node)) return {};
  return no(Verdict::kUnresolvable, "node(s) didn't match Pod's node affinity/selector");
}

FilterResult check_ports(const Cycle& cycle, const NodeInfo& node) {
  if (cycle.pod.host_ports.empty()) return {};
  for (const auto& [uid, other] : node.pods) {
    for (const auto& used : other->host_ports) {
      for (const auto& wanted : cycle.pod.host_ports) {
        if (!wanted.conflicts_with(used)) continue;
        return no(Verdict::kUnschedulable,
                  "node(s) didn't have free ports for the requested pod ports");
      }
    }
  }
  return {};
}

FilterResult check_resources(const Cycle& cycle, const NodeInfo& node) {
  FilterResult result;
  const Resources& want = cycle.pod.requests;
  const auto insufficient = [&](std::string_view name, std::int64_t wanted, std::int64_t used,
                                std::int64_t allocatable) {
    if (wanted == 0 || wanted <= allocatable - used) return;
    result.reasons.push_back("Insufficient " + std::string(name));
    const bool never = wanted > allocatable;
    result.verdict =
        std::max(result.verdict, never ? Verdict::kUnresolvable : Verdict::kUnschedulable);
  };
  if (static_cast<std::int64_t>(node.pods.size()) + 1 > node.allowed_pods) {
    result = no(Verdict::kUnschedulable, "Too many pods");
  }
  const auto& has = node.allocatable;
  const auto& used = node.requested;
  insufficient("cpu", want.milli_cpu, used.milli_cpu, has.milli_cpu);
  insufficient("memory", want.memory_bytes, used.memory_bytes, has.memory_bytes);
  insufficient("ephemeral-storage", want.storage_bytes, used.storage_bytes, has.storage_bytes);
  for (const auto& [name, amount] : want.others) {
    const auto of = [&name = name](const Resources& all) {
      const auto found = all.others.find(name);
      return found == all.others.end() ? 0 : found->second;
    };
    insufficient(name, amount, of(used), of(has));
  }
  return result;
}

bool matches(const NodeSelectorRequirement& requirement, const std::string* value) {
  const auto& op = requirement.operator_;
  const auto& values = requirement.values;
  const bool in = value && std::ranges::find(values, *value) != values.end();
  if (op == "In") return in;
  if (op == "NotIn") return !in;
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if ((op == "Gt" || op == "Lt") && value && values.size() == 1) {
    const auto have = parse_int(*value);
    const auto limit = parse_int(values[0]);
    return have && limit && (op == "Gt" ? *have > *limit : *have < *limit);
  }
  return false;
}

// Cheap ones that often say no for good come first; those that look at other pods come last.
constexpr Filter kFilters[] = {
    {"NodeUnschedulable", check_unschedulable, kNodeAdded | kNodeChanged},
    {"NodeName", check_node_name, kNodeAdded},
    {"TaintToleration", check_taints, kNodeAdded | kNodeChanged},
    {"NodeAffinity", check_node_affinity, kNodeAdded | kNodeChanged},
    {"NodePorts", check_ports, kNodeAdded | kPodGone},
    {"NodeResourcesFit", check_resources, kNodeAdded | kNodeChanged | kPodGone},
    {"PodTopologySpread", check_spread, kNodeAdded | kNodeChanged | kPodGone | kPodPlaced},
    {"InterPodAffinity", check_affinity, kNodeAdded | kNodeChanged | kPodGone | kPodPlaced},
};

}  // namespace

std::span<const Filter> filters() { return kFilters; }

Cycle::Cycle(const NodeCache& c, const PodInfo& p) : cache(c), pod(p) {
  prepare_affinity(*this);
  prepare_spread(*this);
}

bool tolerates(const Pod& pod, const Taint& taint) {
  return std::ranges::any_of(pod.spec.tolerations, [&](const Toleration& toleration) {
    if (!toleration.effect.empty() && toleration.effect != taint.effect) return false;
    if (!toleration.key.empty() && toleration.key != taint.key) return false;
    if (toleration.operator_ == "Exists") return true;
    if (toleration.key.empty()) return false;
    return toleration.value == taint.value;
  });
}

bool matches_term(const api::core_v1::NodeSelectorTerm& term, const NodeInfo& node) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  for (const auto& requirement : term.match_expressions) {
    if (!matches(requirement, node.label(requirement.key))) return false;
  }
  for (const auto& requirement : term.match_fields) {
    const bool is_name = requirement.key == "metadata.name";
    if (!matches(requirement, is_name ? &node.name() : nullptr)) return false;
  }
  return true;
}

bool matches_node_selectors(const Pod& pod, const NodeInfo& node) {
  for (const auto& [key, value] : pod.spec.node_selector) {
    const auto* label = node.label(key);
    if (!label || *label != value) return false;
  }
  if (!pod.spec.affinity || !pod.spec.affinity->node_affinity) return true;
  const auto& required =
      pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return true;
  return std::ranges::any_of(required->node_selector_terms,
                             [&](const auto& term) { return matches_term(term, node); });
}

bool matches_term(const AffinityTerm& term, const PodInfo& pod, const NodeCache& cache) {
  bool ns = term.namespaces.contains(pod.ns());
  if (!ns && term.namespaces_by_label) {
    const auto* labels = cache.namespace_labels(pod.ns());
    ns = term.namespaces_by_label->matches_everything() ||
         (labels && term.namespaces_by_label->matches(*labels));
  }
  return ns && term.pods.matches(pod.pod->metadata.labels);
}

}  // namespace pinnace::scheduler
