// NodeCache is the scheduler's picture of the cluster: nodes with the pods that are on them, and
// those that it has just sent there.
//
// Why: a decision must count the pods decided a moment ago, before the API server has told of them.
// Threads: one at a time.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "scheduler/pod_info.h"

namespace pinnace::scheduler {

class NodeCache {
 public:
  void set_node(const std::string& name, NodeRef node);  // null: it is gone
  // A pod with a node name, as the API server has it; replaces what was assumed.
  void set_pod(const PodInfoRef& pod);
  void remove_pod(const std::string& uid);

  // Counts the pod on the node until `set_pod` confirms it or `remove_pod` takes it back.
  void assume(const PodInfoRef& pod, const std::string& node);
  bool is_assumed(const std::string& uid) const { return assumed_.contains(uid); }
  // It takes room on a node.
  bool is_counted(const std::string& uid) const { return node_of_.contains(uid); }

  // A pod that waits for room being made on a node: others of no higher priority must leave it.
  void nominate(const PodInfoRef& pod, const std::string& node);
  void forget_nomination(const std::string& uid) { nominated_.erase(uid); }
  struct Nomination {
    PodInfoRef pod;
    std::string node;
  };
  const std::unordered_map<std::string, Nomination>& nominated() const { return nominated_; }

  void set_namespace(const std::string& name, std::optional<api::LabelMap> labels);
  const api::LabelMap* namespace_labels(const std::string& name) const;

  // PersistentVolumeClaims by "ns/name": bound or not.
  void set_claim(const std::string& key, std::optional<bool> bound);
  std::optional<bool> claim(const std::string& key) const;

  // Only nodes that exist.
  const std::map<std::string, NodeInfo>& nodes() const { return nodes_; }
  // Pods with required anti-affinity, and pods with preferred terms: most clusters have few.
  const std::unordered_map<std::string, std::string>& pods_with_terms() const {
    return pods_with_terms_;
  }
  // How many nodes say that they have an image by this name.
  int nodes_with_image(const std::string& name) const;
  // How many pods of one controller run on each node.
  const std::unordered_map<std::string, int>* pods_of_owner(const std::string& uid) const;

 private:
  NodeInfo& info(const std::string& node);
  void count_images(const NodeRef& node, int by);
  void place(const PodInfoRef& pod, const std::string& node);
  void displace(const std::string& uid);

  std::map<std::string, NodeInfo> nodes_;
  std::unordered_map<std::string, NodeInfo> unknown_;             // pods of nodes not seen yet
  std::unordered_map<std::string, std::string> node_of_;          // by pod uid
  std::unordered_set<std::string> assumed_;                       // by pod uid
  std::unordered_map<std::string, std::string> pods_with_terms_;  // pod uid → node
  std::unordered_map<std::string, Nomination> nominated_;         // by pod uid
  std::unordered_map<std::string, std::unordered_map<std::string, int>> by_owner_;
  std::unordered_map<std::string, int> nodes_with_image_;
  std::map<std::string, api::LabelMap> namespaces_;
  std::unordered_map<std::string, bool> claims_;
};

}  // namespace pinnace::scheduler
