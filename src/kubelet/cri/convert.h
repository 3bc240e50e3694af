// Our plain structs as CRI's messages and back.
#pragma once

#include "kubelet/cri/cri.pb.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet::cri {

namespace pb = ::runtime::v1;

void to_message(const SandboxConfig& config, pb::PodSandboxConfig& out);
void to_message(const ContainerConfig& config, pb::ContainerConfig& out);
Sandbox from_message(const pb::PodSandbox& in);
SandboxStatus from_message(const pb::PodSandboxStatus& in);
Container from_message(const pb::Container& in);
ContainerStatus from_message(const pb::ContainerStatus& in);
Image from_message(const pb::Image& in);

}  // namespace pinnace::kubelet::cri
