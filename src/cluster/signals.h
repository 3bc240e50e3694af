// StopSignals turns SIGTERM and SIGINT into a wait, so that a process can stop in order.
#pragma once

namespace pinnace::cluster {

// Make it before the first thread: threads inherit that the signals are blocked. SIGPIPE is
// ignored.
class StopSignals {
 public:
  StopSignals();
  // Blocks until one of them comes; its number. A second one ends the process at once.
  int wait();
  // One has come; `wait` will give it.
  bool is_pending() const;
};

}  // namespace pinnace::cluster
