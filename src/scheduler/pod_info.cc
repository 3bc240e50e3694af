#include "scheduler/pod_info.h"

#include <algorithm>

namespace pinnace::scheduler {
namespace {

using api::core_v1::Pod;
using api::core_v1::PodAffinityTerm;

constexpr std::int64_t kUnaskedMilliCpu = 100;
constexpr std::int64_t kUnaskedMemoryBytes = 200 * 1024 * 1024;

// A selector that does not parse was let in by nobody; it matches nothing.
template <typename Selector>
api::LabelSelector selector_of(const Selector& selector) {
  if (!selector) return api::LabelSelector::nothing();
  return api::label_selector_of(*selector).value_or(api::LabelSelector::nothing());
}

// `matchLabelKeys`: the pod's own values of these labels must be there (or, negated, not).
api::LabelSelector with_own_labels(const api::LabelSelector& selector, const Pod& pod,
                                   const std::vector<std::string>& same,
                                   const std::vector<std::string>& other) {
  if (same.empty() && other.empty()) return selector;
  if (selector.matches_nothing()) return selector;
  auto requirements = selector.requirements();
  const auto add = [&](const std::vector<std::string>& keys, api::LabelOperator op) {
    for (const auto& key : keys) {
      const auto label = pod.metadata.labels.find(key);
      if (label != pod.metadata.labels.end()) requirements.push_back({key, op, {label->second}});
    }
  };
  add(same, api::LabelOperator::kIn);
  add(other, api::LabelOperator::kNotIn);
  return api::LabelSelector(std::move(requirements));
}

AffinityTerm compile(const PodAffinityTerm& term, const Pod& pod, std::int32_t weight = 0) {
  AffinityTerm made;
  made.pods = with_own_labels(selector_of(term.label_selector), pod, term.match_label_keys,
                              term.mismatch_label_keys);
  made.namespaces.insert(term.namespaces.begin(), term.namespaces.end());
  if (term.namespace_selector) made.namespaces_by_label = selector_of(term.namespace_selector);
  if (made.namespaces.empty() && !made.namespaces_by_label) {
    made.namespaces.insert(pod.metadata.namespace_);
  }
  made.topology_key = term.topology_key;
  made.weight = weight;
  return made;
}

template <typename Affinity>
void compile_all(const Affinity& affinity, const Pod& pod, std::int32_t sign,
                 std::vector<AffinityTerm>& required, std::vector<AffinityTerm>& preferred) {
  if (!affinity) return;
  for (const auto& term : affinity->required_during_scheduling_ignored_during_execution) {
    required.push_back(compile(term, pod));
  }
  for (const auto& term : affinity->preferred_during_scheduling_ignored_during_execution) {
    preferred.push_back(compile(term.pod_affinity_term, pod, sign * term.weight));
  }
}

}  // namespace

Resources Resources::from(const QuantityMap& quantities) {
  Resources made;
  for (const auto& [name, quantity] : quantities) {
    if (name == "cpu")
      made.milli_cpu = quantity.milli_value();
    else if (name == "memory")
      made.memory_bytes = quantity.value();
    else if (name == "ephemeral-storage")
      made.storage_bytes = quantity.value();
    else if (name != "pods")
      made.others[name] = quantity.value();
  }
  return made;
}

Resources& Resources::operator+=(const Resources& other) {
  milli_cpu += other.milli_cpu;
  memory_bytes += other.memory_bytes;
  storage_bytes += other.storage_bytes;
  for (const auto& [name, amount] : other.others) others[name] += amount;
  return *this;
}

Resources& Resources::operator-=(const Resources& other) {
  milli_cpu -= other.milli_cpu;
  memory_bytes -= other.memory_bytes;
  storage_bytes -= other.storage_bytes;
  for (const auto& [name, amount] : other.others) {
    if ((others[name] -= amount) == 0) others.erase(name);
  }
  return *this;
}

void Resources::raise_to(const Resources& other) {
  milli_cpu = std::max(milli_cpu, other.milli_cpu);
  memory_bytes = std::max(memory_bytes, other.memory_bytes);
  storage_bytes = std::max(storage_bytes, other.storage_bytes);
  for (const auto& [name, amount] : other.others) {
    others[name] = std::max(others[name], amount);
  }
}

Resources pod_requests(const Pod& pod) {
  Resources running, starting, sidecars;
  for (const auto& container : pod.spec.containers) {
    running += Resources::from(container.resources.requests);
  }
  for (const auto& container : pod.spec.init_containers) {
    Resources here = Resources::from(container.resources.requests);
    if (container.restart_policy.value_or("") == "Always") {
      sidecars += here;
      starting.raise_to(sidecars);
      continue;
    }
    here += sidecars;
    starting.raise_to(here);
  }
  running += sidecars;
  running.raise_to(starting);
  if (pod.spec.resources) {
    // What is asked for the pod as a whole replaces the sum of its containers.
    const Resources whole = Resources::from(pod.spec.resources->requests);
    const auto& named = pod.spec.resources->requests;
    if (named.contains("cpu")) running.milli_cpu = whole.milli_cpu;
    if (named.contains("memory")) running.memory_bytes = whole.memory_bytes;
  }
  running += Resources::from(pod.spec.overhead);
  return running;
}

PodInfo::PodInfo(PodRef p) : pod(std::move(p)) {
  const auto& spec = pod->spec;
  priority = spec.priority.value_or(0);
  requests = pod_requests(*pod);
  scored_milli_cpu = requests.milli_cpu > 0 ? requests.milli_cpu : kUnaskedMilliCpu;
  scored_memory_bytes = requests.memory_bytes > 0 ? requests.memory_bytes : kUnaskedMemoryBytes;
  for (const auto& container : spec.containers) {
    for (const auto& port : container.ports) {
      if (port.host_port <= 0) continue;
      host_ports.push_back({port.host_ip.empty() ? "0.0.0.0" : port.host_ip,
                            port.protocol.empty() ? "TCP" : port.protocol, port.host_port});
    }
  }
  for (const auto& owner : pod->metadata.owner_references) {
    if (owner.controller.value_or(false)) owner_uid = owner.uid;
  }
  if (!spec.affinity) return;
  compile_all(spec.affinity->pod_affinity, *pod, 1, affinity, preferred);
  compile_all(spec.affinity->pod_anti_affinity, *pod, -1, anti_affinity, preferred);
}

void NodeInfo::set_node(NodeRef now) {
  node = std::move(now);
  if (!node) return;
  allocatable = Resources::from(node->status.allocatable);
  // One that does not say how many it takes, takes none.
  const auto pods_here = node->status.allocatable.find("pods");
  allowed_pods = pods_here == node->status.allocatable.end() ? 0 : pods_here->second.value();
}

void NodeInfo::add(const PodInfoRef& pod) {
  remove(pod->uid());
  requested += pod->requests;
  scored_milli_cpu += pod->scored_milli_cpu;
  scored_memory_bytes += pod->scored_memory_bytes;
  pods[pod->uid()] = pod;
}

void NodeInfo::remove(const std::string& uid) {
  const auto found = pods.find(uid);
  if (found == pods.end()) return;
  requested -= found->second->requests;
  scored_milli_cpu -= found->second->scored_milli_cpu;
  scored_memory_bytes -= found->second->scored_memory_bytes;
  pods.erase(found);
}

const std::string* NodeInfo::label(std::string_view key) const {
  const auto found = node->metadata.labels.find(key);
  return found == node->metadata.labels.end() ? nullptr : &found->second;
}

}  // namespace pinnace::scheduler
