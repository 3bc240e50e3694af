// rotate_logs keeps container logs small: a log that has grown too large is put aside, and the
// oldest of those that were put aside are removed.
//
// Threads: any, one at a time; blocks on the disk and the runtime.
// Bounds: 10 MiB a file, 5 files a container with the one that is written.
#pragma once

#include <string>

#include "kubelet/cri/runtime.h"

namespace pinnace::kubelet {

struct LogLimits {
  std::uint64_t max_bytes = 10u << 20;
  std::size_t max_files = 5;
};

// `log_root` holds NAMESPACE_NAME_UID/CONTAINER/RESTARTS.log.
void rotate_logs(const std::string& log_root, cri::Runtime& runtime, WallTime now,
                 const LogLimits& limits = {});

}  // namespace pinnace::kubelet
