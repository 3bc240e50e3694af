// Connector makes one connection: looks the name up, tries its addresses in turn, shakes hands.
//
// Threads: the loop's; names that are not addresses are looked up on a thread of their own.
// Lifetime: destroying it gives up; `done` is not called then.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "net/http_client.h"
#include "net/internal/channel.h"

namespace pinnace::net::internal {

class Connector {
 public:
  virtual ~Connector() = default;
};

using Connected = std::function<void(Result<std::unique_ptr<Channel>>)>;

// `done` is called once, from the loop, never from here. The channel has an owner that ignores what
// happens: give it another at once.
std::unique_ptr<Connector> start_connecting(io::Loop& loop, const Endpoint& endpoint,
                                            Duration timeout, Connected done);

}  // namespace pinnace::net::internal
