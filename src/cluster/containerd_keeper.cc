#include "cluster/containerd_keeper.h"

#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"

namespace pinnace::cluster {

namespace {
constexpr Duration kFirstWait = std::chrono::milliseconds(100);
constexpr Duration kLongestWait = std::chrono::seconds(10);
}  // namespace

ContainerdKeeper::ContainerdKeeper(const Settings& settings, ContainerdOptions options,
                                   const Clock& clock)
    : settings_(settings),
      options_(options),
      clock_(clock),
      wait_(kFirstWait),
      thread_("runtime-keeper") {}

ContainerdKeeper::~ContainerdKeeper() = default;

Result<std::unique_ptr<ContainerdKeeper>> ContainerdKeeper::start(const Settings& settings,
                                                                  ContainerdOptions options,
                                                                  const Clock& clock) {
  auto running = ensure_containerd(settings, options, clock);
  if (!running) return std::unexpected(std::move(running.error()));
  std::unique_ptr<ContainerdKeeper> keeper(new ContainerdKeeper(settings, options, clock));
  keeper->thread_.loop().post([self = keeper.get()] { self->watch(); });
  return keeper;
}

void ContainerdKeeper::watch() {
  const int pid = running_pid(settings_.containerd_pid_file(), "containerd");
  process_ = io::UniqueFd(pid ? static_cast<int>(syscall(SYS_pidfd_open, pid, 0)) : -1);
  if (process_.get() < 0) return restart();
  thread_.loop().add_fd(process_.get(), EPOLLIN, [this, pid](std::uint32_t) {
    log::warning("containerd ended; starting it again", {{"pid", pid}});
    waitpid(pid, nullptr, WNOHANG);  // If it was our child.
    thread_.loop().remove_fd(process_.get());
    restart();
  });
}

void ContainerdKeeper::restart() {
  auto running = ensure_containerd(settings_, options_, clock_);
  if (running) {
    wait_ = kFirstWait;
    return watch();
  }
  log::error("containerd cannot be started", {{"error", running.error().message}});
  thread_.loop().schedule_after(wait_, [this] { restart(); });
  wait_ = std::min(wait_ * 2, kLongestWait);
}

}  // namespace pinnace::cluster
