// QoS class, resource numbers and cgroup paths of a pod.
//
// Source: Kubernetes documentation, "Pod Quality of Service Classes"; cgroup v1 cpu.shares.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "api/types/core_v1.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

// "Guaranteed", "Burstable" or "BestEffort".
std::string_view qos_class(const core::PodSpec& spec);

// What the whole pod asks for: the larger of the sum of what runs together and any init container.
struct PodRequest {
  std::int64_t cpu_milli = 0;
  std::int64_t memory_bytes = 0;
  std::int64_t ephemeral_bytes = 0;
};
PodRequest pod_request(const core::PodSpec& spec);

// The limits of one container's cgroup. `node_memory_bytes` scales the OOM score.
cri::Resources container_resources(const core::PodSpec& spec, const core::Container& container,
                                   std::int64_t node_memory_bytes);
// The limits of the pod's own cgroup: a limit stands only if every container has one.
cri::Resources pod_resources(const core::PodSpec& spec);

// "/ROOT/kubepods/burstable/podUID"; Guaranteed pods lie in kubepods itself.
std::string pod_cgroup(std::string_view root, const core::PodSpec& spec, std::string_view uid);

}  // namespace pinnace::kubelet
