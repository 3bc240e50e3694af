// Manager runs the control loops that make a cluster out of objects: one thread, one set of
// informers, one explicit list of controllers.
//
//   auto manager = controllers::Manager({.api = api, .executor = loop, .rng = rng});
//   manager.start();
//
// Lifetime: everything in Options outlives it.
// Threads: belongs to the executor's thread: `start`, `stop` and the destructor run there, or while
//   the executor does not run.
// Errors: a controller's failure is logged and tried again; none stops the others.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "client/client.h"
#include "controllers/settings.h"

namespace pinnace::controllers {

class Manager {
 public:
  struct Options {
    const client::Client& api;  // As system:kube-controller-manager or an administrator.
    Executor& executor;
    Rng& rng;
    Settings settings;
    metrics::Registry* metrics = nullptr;  // Null: nobody counts.
  };
  explicit Manager(Options options);
  ~Manager();
  Manager(const Manager&) = delete;

  // Begins to list and watch; the controllers begin when all lists are there.
  void start();
  // Ends everything. It can be started again.
  void stop();
  // The controllers have begun.
  bool running() const;

  // The names of the controllers in the order in which they start.
  static std::vector<std::string_view> controller_names();

 private:
  struct State;
  Options options_;
  std::unique_ptr<State> state_;
};

}  // namespace pinnace::controllers
