// start_container takes one container of a pod from its image to a running process.
//
// Threads: any; blocks on the runtime, but never on a pull (see `image`) or a hook.
#pragma once

#include <optional>

#include "kubelet/pod/pod_context.h"

namespace pinnace::kubelet {

struct StartInput {
  const core::Pod& pod;
  const StartContainer& action;
  const std::string& sandbox_id;
  const cri::SandboxConfig& sandbox;
  const std::vector<std::string>& pod_ips;
  const Volumes::Paths& volumes;
  const ImagePuller::Outcome& image;
};
struct StartOutcome {
  std::string id;                  // Empty: it was not even created.
  std::optional<Waiting> waiting;  // Why it does not run.
};

// Events tell what was done.
StartOutcome start_container(const PodContext& context, const StartInput& input);

// The pod's log directory and its cgroup, which must be there before the sandbox is.
Result<void> prepare_sandbox_host(const PodContext& context, const core::Pod& pod,
                                  const cri::SandboxConfig& config);
PodFacts pod_facts(const PodContext& context, const std::vector<std::string>& pod_ips);
// Where the container's termination message lies on the host.
std::string message_path(const Volumes& volumes, const std::string& pod_uid,
                         const std::string& container, std::int64_t restart_count);

}  // namespace pinnace::kubelet
