// What the process itself uses, under the names that Prometheus' clients give it: process_*.
//
// Threads: any. Cost: a few small files of /proc.
#pragma once

#include "base/metrics.h"

namespace pinnace::io {

// Sets them to what they are now. What the system does not tell is left out.
void publish_process(metrics::Registry& registry);

}  // namespace pinnace::io
