// What a node changes on its host before pods can run on it, and how `delete` puts it back.
//
// Threads: one at a time. Needs root.
#pragma once

#include "base/error.h"
#include "cluster/settings.h"

namespace pinnace::cluster {

// Lets the host forward packets between pods and the rest (that it did not is remembered), and puts
// a tmpfs where Secrets and tokens of pods lie, if there is none.
Result<void> prepare_host(const Settings& settings);

// Switches forwarding off again if this cluster switched it on; leaves that to another cluster if
// one runs on the same network. Mounts are `host.h`'s business.
Result<void> restore_host(const Settings& settings);

}  // namespace pinnace::cluster
