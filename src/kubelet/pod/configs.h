// What the runtime is told about a pod's sandbox and containers, made from the pod alone.
//
// Source: Kubernetes API reference, PodSpec, SecurityContext, PodDNSConfig.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "api/types/core_v1.h"
#include "base/error.h"
#include "kubelet/cri/runtime.h"
#include "kubelet/pod/env.h"

namespace pinnace::kubelet {

// The parts of the node's set-up that go into every pod.
struct NodeSettings {
  std::string cluster_dns;  // Empty: pods resolve as the host does.
  std::string cluster_domain;
  cri::DnsConfig host_dns;
  std::string cgroup_root;   // "/pinnace-NAME"
  std::string log_root;      // Pods' log directories lie here.
  std::string seccomp_root;  // Localhost profiles lie here.
  std::int64_t memory_bytes = 0;
};

// "NS_NAME_UID"
std::string log_directory_name(const core::Pod& pod);
std::string pod_host_name(const core::Pod& pod);
// The lines of the pod's own /etc/hosts; `host_file` is the host's, for pods on its network.
std::string hosts_file(const core::Pod& pod, const std::vector<std::string>& ips,
                       const std::string& cluster_domain, const std::string& host_file);
// Parses a resolv.conf.
cri::DnsConfig parse_resolv_conf(std::string_view text);
cri::DnsConfig pod_dns(const core::Pod& pod, const NodeSettings& node);

cri::SandboxConfig sandbox_config(const core::Pod& pod, std::uint32_t attempt,
                                  const NodeSettings& node);

struct ContainerInput {
  const core::Pod& pod;
  const core::Container& container;
  std::uint32_t restart_count = 0;
  std::string image_ref;
  std::optional<cri::Image> image;  // For runAsNonRoot.
  const Environment& environment;   // For the command line's expansion, and to be set.
  std::vector<cri::Mount> mounts;
  const NodeSettings& node;
  std::string shares_processes_of;  // The id of another container of the pod.
};
// Errors: 400 with the message for CreateContainerConfigError.
Result<cri::ContainerConfig> container_config(const ContainerInput& input);

}  // namespace pinnace::kubelet
