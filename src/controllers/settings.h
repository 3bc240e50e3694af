// Settings of the controllers, with the defaults that Kubernetes users know.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"

namespace pinnace::controllers {

struct Settings {
  // What pods verify the API server with (kube-root-ca.crt).
  std::string root_ca_pem;

  // Pod addresses: each node gets a block of this range.
  std::string cluster_cidr = "10.244.0.0/16";
  int node_cidr_prefix = 24;

  // Finished pods beyond this many are deleted, the oldest first. 0: never.
  std::int32_t terminated_pod_threshold = 12500;

  Duration node_monitor_period = std::chrono::seconds(5);
  Duration node_monitor_grace = std::chrono::seconds(40);
  Duration node_startup_grace = std::chrono::seconds(60);
};

}  // namespace pinnace::controllers
