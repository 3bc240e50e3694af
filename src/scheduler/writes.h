// Writes is what the scheduler tells the API: bindings, why a pod waits, and who must make room.
//
// Nothing here waits. Failures but that of a binding are logged: the next try writes again.
// Threads: belongs to the executor's thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "client/client.h"
#include "client/event_recorder.h"
#include "scheduler/pod_info.h"

namespace pinnace::scheduler {

class Writes {
 public:
  Writes(const client::Client& api, Executor& executor, Rng& rng);

  // `done` runs on the executor.
  void bind(const PodInfoRef& pod, const std::string& node, std::function<void(Result<void>)> done);
  void report_bound(const PodInfo& pod, const std::string& node);
  // Event and condition; with `nominated`, also where the pod hopes to go.
  void report_waiting(const PodInfo& pod, const std::string& message, const std::string& nominated);
  void report_refused(const PodInfo& pod, const std::string& message);
  // Marks the victims and deletes them, for `pod` on `node`.
  void preempt(const PodInfo& pod, const std::string& node, const std::vector<PodInfoRef>& victims);
  void clear_nomination(const PodInfo& pod);

 private:
  void patch_status(const PodInfo& pod, std::string status);

  const client::Client& api_;
  Executor& executor_;
  client::EventRecorder events_;
};

}  // namespace pinnace::scheduler
