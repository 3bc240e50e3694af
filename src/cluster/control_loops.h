// ControlLoops runs the controllers and the scheduler of one control plane, each while it leads.
//
// Why: of several control planes on one store, one at a time may act. Alone on its store a control
//   plane needs no election, and is at work at once.
// Lifetime: `stop` ends both, and gives up what is led so that another may go on; the destructor
//   does it, too. Answers to what was sent still go to the loop, so the ways to the API are closed
//   between the one and the other.
// Threads: made and destroyed on one thread; everything in it runs on `loop`.
#pragma once

#include <memory>
#include <string>

#include "base/metrics.h"
#include "base/rng.h"
#include "client/client.h"
#include "controllers/settings.h"

namespace pinnace::io {
class LoopThread;
}

namespace pinnace::cluster {

class ControlLoops {
 public:
  struct Options {
    io::LoopThread& loop;
    client::Client& controllers;  // With the controllers' identity...
    client::Client& scheduler;    // ...and the scheduler's.
    Rng& rng;
    metrics::Registry& metrics;
    controllers::Settings settings;
    bool elects = false;
    std::string identity;  // Of this control plane among the candidates.
  };
  static std::unique_ptr<ControlLoops> start(Options options);
  virtual ~ControlLoops() = default;
  virtual void stop() = 0;
};

}  // namespace pinnace::cluster
