// Prober runs the probes of running containers, and remembers what they said.
//
// Readiness and liveness wait until the startup probe has passed.
// Why early tries: a probe that comes a moment before the program listens would be repeated only
//   after a whole period. Until the first success, a readiness or startup probe without an initial
//   delay is therefore also tried a few times in its first second; these tries count only if they
//   succeed.
// Threads: any; probes are scheduled on the executor. Lifetime: `stop` before the executor ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "api/types/core_v1.h"
#include "base/clock.h"
#include "base/error.h"
#include "kubelet/events.h"
#include "kubelet/pod/plan.h"
#include "kubelet/pod/pod_state.h"

namespace pinnace::kubelet {

// One try. `done(success, output)`, once, from any thread.
struct ProbeTry {
  std::string pod_ip;
  std::string container_id;
  std::shared_ptr<const core::Pod> pod;
  const core::Container* container = nullptr;  // In `pod`.
  const core::Probe* probe = nullptr;          // In `container`.
};
using ProbeRunner = std::function<void(const ProbeTry& what,
                                       std::function<void(bool success, std::string output)> done)>;

class Prober {
 public:
  Prober(Executor& executor, ProbeRunner runner, EventSink events,
         std::function<void(const std::string& pod_uid)> changed);
  ~Prober();

  // The pod's running containers: begins probes of new ones, ends those of others.
  void update(const std::shared_ptr<const core::Pod>& pod, const PodState& state);
  void forget(const std::string& pod_uid);
  void stop();

  Health liveness(const std::string& container_id) const;
  Health startup(const std::string& container_id) const;
  bool started(const std::string& container_id) const;
  bool ready(const std::string& container_id) const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::kubelet
