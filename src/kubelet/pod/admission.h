// Admission decides whether this node takes a pod that was bound to it, and keeps count of those
// that it took.
//
// Why here too: a pod may be bound by hand, or by a scheduler that has not yet seen another pod;
//   and the node is what would be overcommitted.
// Threads: any.
// Source: Kubernetes documentation, "Node-pressure" and "Assigning Pods to Nodes"; reasons and
//   messages are those that Kubernetes' own agent writes.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>

#include "api/types/core_v1.h"
#include "kubelet/pod/qos.h"
#include "kubelet/pod/status.h"

namespace pinnace::kubelet {

// What the node has to give, and what pods may select it by.
struct NodeOffer {
  std::string name;
  std::map<std::string, std::string, std::less<>> labels;
  PodRequest allocatable;
  std::int64_t max_pods = 0;
};

class Admission {
 public:
  void set_offer(NodeOffer offer);
  // Takes the pod, or says why not. A pod that runs already is taken as it is.
  std::optional<Verdict> admit(const core::Pod& pod, bool runs_already);
  // The pod uses nothing any more.
  void release(const std::string& uid);

 private:
  using HostPort = std::tuple<std::string, std::int32_t, std::string>;  // Protocol, port, address.
  struct Taken {
    PodRequest request;
    std::vector<HostPort> ports;
  };
  static std::vector<HostPort> host_ports(const core::Pod& pod);
  std::optional<Verdict> objection(const core::Pod& pod, const Taken& wanted) const;

  mutable std::mutex mutex_;
  NodeOffer offer_;
  std::map<std::string, Taken> taken_;  // By pod uid.
};

// nodeSelector and the required part of nodeAffinity.
bool selects_node(const core::PodSpec& spec, const NodeOffer& node);

}  // namespace pinnace::kubelet
