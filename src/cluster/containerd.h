// The containerd that belongs to one cluster: started by us with a root, state and configuration of
// its own, never touching another containerd of the machine.
//
// Lifetime: it outlives the process that started it, so that a restart of ours leaves pods running.
//   A later `ensure` finds it by its process id file and its socket.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "cluster/settings.h"

namespace pinnace::cluster {

struct ContainerdOptions {
  int mirror_port = 0;  // Where the image mirror listens, on 127.0.0.1.
  int mtu = 0;          // 0: the kernel's default.
};

// Writes the configuration and starts it if it does not run. Returns once its socket takes
// connections. 503 with the end of its log if it fails; 400 naming the package if a program is
// missing.
Result<void> ensure_containerd(const Settings& settings, const ContainerdOptions& options,
                               const Clock& clock);
// Ends it, if it runs: SIGTERM, then SIGKILL after `grace`.
Result<void> stop_containerd(const Settings& settings, Duration grace, const Clock& clock);

// Ends a process of ours: SIGTERM, then SIGKILL after `grace`. Id 0, or one that is gone, is no
// error.
Result<void> end_process(int pid, Duration grace, const Clock& clock);

// The process whose id the file holds, if it still runs `program`; 0 otherwise.
int running_pid(const std::string& pid_file, std::string_view program);

}  // namespace pinnace::cluster
