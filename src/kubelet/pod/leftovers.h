// remove_leftovers takes away what pods left on the host that no one looks after any more.
//
// Why: an agent may end in the middle of its work, and containerd leaves cgroups behind.
// Threads: any; blocks on the disk.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "kubelet/volumes/volumes.h"

namespace pinnace::kubelet {

struct LeftoverPlaces {
  VolumeDirs dirs;
  std::string log_root;
  std::string cgroup_root;
};

// `known(uid)` is asked after a trace of the pod was found; what it knows stays.
void remove_leftovers(const LeftoverPlaces& places,
                      const std::function<bool(std::string_view uid)>& known);

}  // namespace pinnace::kubelet
