// Processes: starts a program without a shell and learns how it ended.
//
// Threads: `spawn` and `run` from any; the child has the namespaces of the calling thread.
// Bounds: `run` keeps at most `max_output_bytes` of each stream and throws the rest away.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "io/fd.h"
#include "io/loop.h"

namespace pinnace::io {

struct SpawnOptions {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH when it has no slash.
  bool inherit_environment = true;
  std::vector<std::string> environment;  // "NAME=value", over what is inherited.
  std::string directory;                 // Empty: ours.
  int stdin_fd = -1;                     // -1: /dev/null, for all three. Not closed here.
  int stdout_fd = -1;
  int stderr_fd = -1;
  bool new_session = false;  // Its own session and process group: outlives ours' signals.
};

struct ExitStatus {
  int code = -1;  // -1 when a signal ended it.
  int signal = 0;
  bool ok() const { return code == 0; }
};

// A child. Destroying it neither kills nor waits for it (then `init` or a later wait reaps it).
class Process {
 public:
  static Result<std::unique_ptr<Process>> spawn(const SpawnOptions& options);
  ~Process();
  Process(const Process&) = delete;

  pid_t pid() const { return pid_; }
  // Safe against a re-used pid. An Error (404) once it has ended.
  Result<void> kill(int signal);
  // Calls `ended` once on the loop, from the loop's thread or before it runs. Once per process;
  // destroying the Process first means that it is never called.
  void wait(Loop& loop, std::function<void(ExitStatus)> ended);
  // Blocks; false when `timeout` passes first. Not together with the other `wait`.
  bool wait_for(Duration timeout, ExitStatus& status);

 private:
  Process(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  ExitStatus reap();

  const pid_t pid_;
  UniqueFd pidfd_;
  Loop* loop_ = nullptr;
};

struct RunResult {
  ExitStatus status;
  std::string output;  // Standard output.
  std::string error_output;
  bool timed_out = false;  // It was killed (SIGKILL).
};

// Runs to the end, feeding `input`. An Error only if it could not be started.
Result<RunResult> run(SpawnOptions options, Duration timeout, const std::string& input = "",
                      std::size_t max_output_bytes = 1u << 20);

}  // namespace pinnace::io
