#include "kubelet/pod/admission.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::kubelet {
namespace {

bool meets(const core::NodeSelectorRequirement& wanted, const std::string* value) {
  const std::string& op = wanted.operator_;
  const auto is_one = [&] {
    return value && std::ranges::find(wanted.values, *value) != wanted.values.end();
  };
  if (op == "In") return is_one();
  if (op == "NotIn") return !is_one();
  if (op == "Exists") return value != nullptr;
  if (op == "DoesNotExist") return value == nullptr;
  if ((op != "Gt" && op != "Lt") || !value || wanted.values.size() != 1) return false;
  const auto have = parse_int(*value), bound = parse_int(wanted.values.front());
  if (!have || !bound) return false;
  return op == "Gt" ? *have > *bound : *have < *bound;
}

// A term without any requirement matches nothing.
bool meets(const core::NodeSelectorTerm& term, const NodeOffer& node) {
  if (term.match_expressions.empty() && term.match_fields.empty()) return false;
  const auto label = [&](const core::NodeSelectorRequirement& wanted) {
    const auto found = node.labels.find(wanted.key);
    return meets(wanted, found == node.labels.end() ? nullptr : &found->second);
  };
  const auto field = [&](const core::NodeSelectorRequirement& wanted) {
    return wanted.key == "metadata.name" && meets(wanted, &node.name);
  };
  return std::ranges::all_of(term.match_expressions, label) &&
         std::ranges::all_of(term.match_fields, field);
}

Verdict rejected(std::string reason, const std::string& message) {
  return {std::move(reason), "Pod was rejected: " + message};
}

Verdict predicate_failed(const std::string& name, const std::string& why) {
  return rejected(name, "Predicate " + name + " failed: " + why);
}

bool same_address(const std::string& a, const std::string& b) {
  return a == b || a == "0.0.0.0" || b == "0.0.0.0";
}

}  // namespace

bool selects_node(const core::PodSpec& spec, const NodeOffer& node) {
  for (const auto& [key, value] : spec.node_selector) {
    const auto found = node.labels.find(key);
    if (found == node.labels.end() || found->second != value) return false;
  }
  if (!spec.affinity || !spec.affinity->node_affinity) return true;
  const auto& required =
      spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  if (!required) return true;
  return std::ranges::any_of(required->node_selector_terms,
                             [&](const auto& term) { return meets(term, node); });
}

void Admission::set_offer(NodeOffer offer) {
  const std::lock_guard lock(mutex_);
  offer_ = std::move(offer);
}

void Admission::release(const std::string& uid) {
  const std::lock_guard lock(mutex_);
  taken_.erase(uid);
}

std::vector<Admission::HostPort> Admission::host_ports(const core::Pod& pod) {
  std::vector<HostPort> out;
  for (const auto* list : {&pod.spec.containers, &pod.spec.init_containers}) {
    for (const auto& container : *list) {
      if (list == &pod.spec.init_containers && !is_sidecar(container)) continue;
      for (const auto& port : container.ports) {
        if (port.host_port <= 0) continue;
        out.emplace_back(port.protocol.empty() ? "TCP" : port.protocol, port.host_port,
                         port.host_ip.empty() ? "0.0.0.0" : port.host_ip);
      }
    }
  }
  return out;
}

std::optional<Verdict> Admission::admit(const core::Pod& pod, bool runs_already) {
  Taken wanted{pod_request(pod.spec), host_ports(pod)};
  const std::lock_guard lock(mutex_);
  if (!runs_already && !taken_.contains(pod.metadata.uid)) {
    if (auto verdict = objection(pod, wanted)) return verdict;
  }
  taken_[pod.metadata.uid] = std::move(wanted);
  return std::nullopt;
}

std::optional<Verdict> Admission::objection(const core::Pod& pod, const Taken& wanted) const {
  PodRequest used;
  for (const auto& [uid, taken] : taken_) {
    used.cpu_milli += taken.request.cpu_milli;
    used.memory_bytes += taken.request.memory_bytes;
    used.ephemeral_bytes += taken.request.ephemeral_bytes;
  }
  struct Row {
    const char* name;
    std::int64_t wanted, used, capacity;
  };
  const auto& limit = offer_.allocatable;
  for (const Row& row : {
           Row{"pods", 1, static_cast<std::int64_t>(taken_.size()), offer_.max_pods},
           Row{"cpu", wanted.request.cpu_milli, used.cpu_milli, limit.cpu_milli},
           Row{"memory", wanted.request.memory_bytes, used.memory_bytes, limit.memory_bytes},
           Row{"ephemeral-storage", wanted.request.ephemeral_bytes, used.ephemeral_bytes,
               limit.ephemeral_bytes},
       }) {
    if (row.wanted == 0 || row.wanted <= row.capacity - row.used) continue;
    return rejected(std::string("OutOf") + row.name,
                    std::string("Node didn't have enough resource: ") + row.name + ", requested: " +
                        std::to_string(row.wanted) + ", used: " + std::to_string(row.used) +
                        ", capacity: " + std::to_string(row.capacity));
  }
  if (!selects_node(pod.spec, offer_)) {
    return predicate_failed("NodeAffinity", "node(s) didn't match Pod's node affinity/selector");
  }
  for (const auto& [uid, taken] : taken_) {
    for (const auto& [protocol, port, address] : taken.ports) {
      for (const auto& [other_protocol, other_port, other_address] : wanted.ports) {
        if (port == other_port && protocol == other_protocol &&
            same_address(address, other_address)) {
          return predicate_failed("NodePorts",
                                  "node(s) didn't have free ports for the requested pod ports");
        }
      }
    }
  }
  return std::nullopt;
}

}  // namespace pinnace::kubelet
