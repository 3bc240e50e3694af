// find_credentials looks into imagePullSecrets for what a registry asks for.
//
// Source: Kubernetes documentation, "Pull an Image from a Private Registry".
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "api/types/core_v1.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet {

// The entry of the secrets that fits the image best: the longest matching registry path. Secrets of
// other types, and text that is no docker configuration, are passed over.
std::optional<cri::PullCredentials> find_credentials(
    const std::vector<std::shared_ptr<const api::core_v1::Secret>>& secrets,
    std::string_view image);

}  // namespace pinnace::kubelet
