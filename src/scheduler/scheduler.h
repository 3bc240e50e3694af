// Scheduler gives pods that have no node one, and says why when it cannot.
//
//   scheduler::Scheduler scheduler({.api = api, .executor = loop, .rng = rng});
//   scheduler.start();
//
// One pod is decided at a time, from memory; what was decided is written without waiting, so that
// the store commits many bindings together. Until a binding is seen in the informer it is assumed.
// Lifetime: everything in Options outlives it.
// Threads: belongs to the executor's thread: `start`, `stop` and the destructor run there, or while
//   the executor does not run.
// Errors: a binding that is refused is tried again after a back-off; nothing else depends on it.
// Bounds: kMaxBindings bindings are under way at once; more pods wait for them.
// Source: Kubernetes' scheduler: queue, framework, preemption, events and conditions.
#pragma once

#include <memory>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "client/client.h"

namespace pinnace::scheduler {

class Scheduler {
 public:
  struct Options {
    const client::Client& api;  // As system:kube-scheduler or an administrator.
    Executor& executor;
    Rng& rng;
    metrics::Registry* metrics = nullptr;
  };
  explicit Scheduler(Options options);
  ~Scheduler();
  Scheduler(const Scheduler&) = delete;

  // Begins to list and watch; decides once all lists are there.
  void start();
  // Ends everything. It can be started again.
  void stop();

 private:
  struct State;
  const Options options_;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::scheduler
