// Writes on pods that several controllers make.
#pragma once

#include <string>
#include <string_view>

#include "controllers/support/controller.h"
#include "controllers/support/pods.h"

namespace pinnace::controllers {

// Sets one condition (and the phase, when it is not empty) in the pod's status, leaving all else as
// it is. Nothing happens to another pod of the same name.
Result<void> patch_condition(const client::Client& api, const core_v1::Pod& pod,
                             core_v1::PodCondition condition, WallTime now,
                             std::string_view phase = "");

// The condition that says a pod was taken down by the cluster and did not end by itself.
core_v1::PodCondition disruption(std::string reason, std::string message);

}  // namespace pinnace::controllers
