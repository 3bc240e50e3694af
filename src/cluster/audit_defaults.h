// The audit log that a cluster has when nobody asks for another one.
//
// What: who did what to which object and whether it was allowed (level Metadata, so no bodies),
//   without what runs all the time: health, discovery, heartbeats, events, and reads of anything
//   but Secrets. In the log directory, at most 32 MB and four old ones, compressed.
#pragma once

#include "apiserver/configuration.h"
#include "cluster/settings.h"

namespace pinnace::cluster {

// Leaves what was chosen as it is.
apiserver::Configuration with_default_audit(apiserver::Configuration configuration,
                                            const Settings& settings);

}  // namespace pinnace::cluster
