// ContainerdKeeper sees to it that a cluster's containerd runs as long as its node does.
//
// Lifetime: destroying it leaves containerd running.
// Threads: made and destroyed on one thread; it restarts containerd on a thread of its own.
#pragma once

#include <functional>
#include <memory>

#include "base/error.h"
#include "cluster/containerd.h"
#include "io/fd.h"
#include "io/loop.h"

namespace pinnace::cluster {

class ContainerdKeeper {
 public:
  // Starts containerd if it does not run. When it ends later it is started again, at once and then
  // after waits that double from 0.1 s to 10 s.
  static Result<std::unique_ptr<ContainerdKeeper>> start(const Settings& settings,
                                                         ContainerdOptions options,
                                                         const Clock& clock);
  ~ContainerdKeeper();

  // A thread for work that may block on the runtime and that nobody waits for.
  Executor& executor() { return thread_.loop(); }

 private:
  ContainerdKeeper(const Settings& settings, ContainerdOptions options, const Clock& clock);
  void watch();
  void restart();

  const Settings& settings_;
  const ContainerdOptions options_;
  const Clock& clock_;
  io::UniqueFd process_;  // A pidfd; readable once containerd has ended.
  Duration wait_;
  io::LoopThread thread_;  // Last: its work uses the members above.
};

}  // namespace pinnace::cluster
