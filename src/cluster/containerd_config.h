// The files that a cluster's containerd reads: its configuration, the pod network, and where to
// pull.
#pragma once

#include <string>

#include "cluster/settings.h"

namespace pinnace::cluster {

// TOML. The runtime is runc; images come first from the mirror, then from their own registry.
std::string containerd_config_text(const Settings& settings);
// JSON: a link of its own for each pod, with an address from the node's pod CIDR. Masquerading is
// the service proxy's business.
std::string cni_config_text(const Settings& settings, int mtu);
// TOML: asks 127.0.0.1:`mirror_port` before the registry itself.
std::string registry_hosts_text(int mirror_port);

}  // namespace pinnace::cluster
