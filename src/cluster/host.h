// What a cluster has left on this host, and how to take it away.
//
// Why: `delete` and `delete --verify` look through the same list, so that one cannot miss what the
//   other removes.
// Threads: one at a time. Needs root.
#pragma once

#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "cluster/settings.h"

namespace pinnace::cluster {

struct Trace {
  std::string kind;  // "process", "mount", "link", "nftables table", "cgroup", "files"
  std::string name;  // "4711 containerd-shim-runc-v2", "/run/pinnace/...", ...
};

// Everything of this cluster that is on the host now.
Result<std::vector<Trace>> find_traces(const Settings& settings);

// Ends containers (each has a few seconds after SIGTERM) and removes pods from the cluster's own
// containerd, which must run.
Result<void> remove_pods(const Settings& settings);

// Removes what `find_traces` lists, in the order in which it can go: processes, mounts, network,
// cgroups, files. Goes on after an error; the first one is returned.
Result<void> remove_traces(const Settings& settings, const Clock& clock);

}  // namespace pinnace::cluster
