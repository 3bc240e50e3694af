// The agent's own part of the cgroup tree, in version 1, hybrid or version 2 layout.
//
// Paths are as CRI has them: "/pinnace/kubepods/burstable/podUID", below each hierarchy's root.
// Threads: any. Errors: what cannot be read is zero; what cannot be written is reported.
// Source: Linux Documentation/admin-guide/cgroup-v1 and cgroup-v2.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"
#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet {

bool has_cgroup_v2();  // The unified hierarchy alone.

// Makes the group in every hierarchy and sets its limits.
Result<void> make_cgroup(const std::string& path, const cri::Resources& limits);
// Removes the group and those below it, everywhere. One that is in use stays, silently.
void remove_cgroup(const std::string& path);
// Names directly below the group, in whichever hierarchy has it.
std::vector<std::string> list_cgroup(const std::string& path);

struct CgroupUsage {
  std::uint64_t cpu_nanoseconds = 0;
  std::uint64_t memory_bytes = 0;         // All that is charged.
  std::uint64_t inactive_file_bytes = 0;  // Subtracted for the working set.
  std::uint64_t rss_bytes = 0;
  std::uint64_t page_faults = 0, major_page_faults = 0;
  std::uint64_t processes = 0;
  std::uint64_t working_set_bytes() const {
    return memory_bytes > inactive_file_bytes ? memory_bytes - inactive_file_bytes : 0;
  }
};
CgroupUsage cgroup_usage(const std::string& path);

}  // namespace pinnace::kubelet
