// Joins two Streams: what comes from one goes out of the other, until both have ended.
//
// Lifetime: the pair owns itself; it ends when either side is closed and what it sent is delivered,
//   or when nothing has moved for `idle_limit`.
// Threads: both Streams' loop, which must be the same.
// Bounds: when 256 KiB wait for one side, the other is not read.
#pragma once

#include <memory>

#include "base/clock.h"
#include "net/http.h"

namespace pinnace::net {

// Kubernetes' limit for streams without traffic.
inline constexpr Duration kStreamIdleLimit = std::chrono::hours(4);

void join_streams(std::unique_ptr<Stream> a, std::unique_ptr<Stream> b,
                  Duration idle_limit = kStreamIdleLimit);

}  // namespace pinnace::net
