// PodInfo and NodeInfo are what the scheduler knows of a pod and of a node, worked out once.
//
// Why: filters run for every pod on every node; quantities and selectors are parsed when an object
//   changes, not each time it is looked at.
// Units: CPU in thousandths of a core, memory and storage in bytes.
// Threads: PodInfo is immutable; NodeInfo belongs to its cache's thread.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "api/selector.h"
#include "api/types/core_v1.h"

namespace pinnace::scheduler {

using PodRef = std::shared_ptr<const api::core_v1::Pod>;
using NodeRef = std::shared_ptr<const api::core_v1::Node>;
using QuantityMap = std::map<std::string, api::Quantity, std::less<>>;

struct Resources {
  std::int64_t milli_cpu = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t storage_bytes = 0;                           // ephemeral-storage
  std::map<std::string, std::int64_t, std::less<>> others;  // extended resources, huge pages

  static Resources from(const QuantityMap& quantities);
  Resources& operator+=(const Resources& other);
  Resources& operator-=(const Resources& other);
  // The larger of both, resource by resource.
  void raise_to(const Resources& other);
  bool operator==(const Resources&) const = default;
};

struct HostPort {
  std::string ip;  // "0.0.0.0": all
  std::string protocol;
  std::int32_t port = 0;
  auto operator<=>(const HostPort&) const = default;
  bool conflicts_with(const HostPort& other) const {
    return port == other.port && protocol == other.protocol &&
           (ip == other.ip || ip == "0.0.0.0" || other.ip == "0.0.0.0");
  }
};

// One term of pod affinity or anti-affinity: pods that match, in the same topology domain.
struct AffinityTerm {
  api::LabelSelector pods = api::LabelSelector::nothing();
  std::set<std::string, std::less<>> namespaces;
  std::optional<api::LabelSelector> namespaces_by_label;
  std::string topology_key;
  std::int32_t weight = 0;  // of a preferred term; negative for anti-affinity
};

struct PodInfo {
  explicit PodInfo(PodRef pod);

  PodRef pod;
  std::int32_t priority = 0;
  Resources requests;
  // For scores: a pod that asks for nothing still counts for something.
  std::int64_t scored_milli_cpu = 0, scored_memory_bytes = 0;
  std::vector<HostPort> host_ports;
  std::string owner_uid;                              // of its controller; empty: none
  std::vector<AffinityTerm> affinity, anti_affinity;  // required
  std::vector<AffinityTerm> preferred;                // of both

  const std::string& uid() const { return pod->metadata.uid; }
  const std::string& ns() const { return pod->metadata.namespace_; }
  std::string key() const { return pod->metadata.namespace_ + '/' + pod->metadata.name; }
};
using PodInfoRef = std::shared_ptr<const PodInfo>;

// What a pod asks of a node: its containers together or its greatest init container, whichever is
// more, and its overhead.
Resources pod_requests(const api::core_v1::Pod& pod);

struct NodeInfo {
  NodeRef node;  // null: pods are known that name it, the node is not
  Resources allocatable;
  std::int64_t allowed_pods = 0;
  Resources requested;
  std::int64_t scored_milli_cpu = 0, scored_memory_bytes = 0;
  std::map<std::string, PodInfoRef> pods;  // by uid

  void set_node(NodeRef now);
  void add(const PodInfoRef& pod);
  void remove(const std::string& uid);
  const std::string& name() const { return node->metadata.name; }
  // nullptr: no such label.
  const std::string* label(std::string_view key) const;
};

}  // namespace pinnace::scheduler
