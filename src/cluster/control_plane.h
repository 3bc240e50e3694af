// ControlPlane is a cluster's brain in this process: store, API server, controllers and scheduler.
//
// Lifetime: `start` returns when /readyz answers; `stop` (or the destructor) ends open watches,
// then
//   the loops, then the server, then the store, which finishes what waits.
// Threads: made and destroyed on one thread.
#pragma once

#include <memory>
#include <optional>

#include "apiserver/configuration.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "cluster/pki.h"
#include "cluster/settings.h"
#include "cluster/store_options.h"
#include "controllers/settings.h"
#include "net/http.h"

namespace pinnace::cluster {

class ControlPlane {
 public:
  struct Options {
    const Settings& settings;
    const Pki& pki;
    const StoreSettings& store;
    std::string node_ip;  // Where pods and other hosts reach the API.
    // Whether controllers and scheduler wait until they lead; by default if others may run.
    std::optional<bool> leader_elect;
    apiserver::Configuration configuration;
    controllers::Settings controllers;  // With what the keys say; see apply_controller_flags.
    const Clock& clock;
    Rng& rng;
  };
  static Result<std::unique_ptr<ControlPlane>> start(const Options& options);
  virtual ~ControlPlane() = default;

  // For components of this process; see client::LocalTransport.
  virtual net::Handler& api() = 0;
};

}  // namespace pinnace::cluster
