// Pods that nobody else removes: of nodes that are gone, never scheduled but deleted, or finished
// in too great a number.
//
// Source: Kubernetes pod lifecycle, "Garbage collection of Pods".
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "controllers/support/pods.h"

namespace pinnace::controllers::pod_gc {

struct Removal {
  PodRef pod;
  // Set for pods that did not finish by themselves: they become Failed with this condition.
  std::string reason, message;
};

// `node_exists` is asked for the names that pods are bound to; `out_of_service` for the nodes that
// an administrator has declared dead. `threshold` 0: finished pods stay.
std::vector<Removal> plan_removals(const std::vector<PodRef>& pods, std::int32_t threshold,
                                   const std::function<bool(const std::string&)>& node_exists,
                                   const std::function<bool(const std::string&)>& out_of_service);

}  // namespace pinnace::controllers::pod_gc
