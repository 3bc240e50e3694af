// Fibers let work wait for an answer without holding up its thread: the executor goes on with other
// work, and the waiting one continues where it stood.
//
//   fibers.run([&] { auto pod = api.get<core_v1::Pod>("default", "web"); ... });
//
// Why: a control loop reads best as a sequence of calls, but fifty that each wait for the disk
//   must wait for it together. Fibers of one executor never run at the same time, so that nothing
//   needs a lock; but whatever is read before a call may have changed after it.
// Lifetime: the destructor calls off what still waits: it gets 503 for this call and for every
//   later one, and runs to its end before the destructor returns.
// Threads: belongs to the executor's thread, which must stay the same while a fiber waits.
// Bounds: each fiber has a stack of 256 KiB, of which only what is touched takes memory; the caller
//   bounds how many there are.
#pragma once

#include <functional>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "client/transport.h"

namespace pinnace::client {

class Fibers {
 public:
  explicit Fibers(Executor& executor);
  ~Fibers();
  Fibers(const Fibers&) = delete;

  // Runs `work` now; returns when it has ended or waits.
  void run(std::function<void()> work);
  // How many have not ended.
  std::size_t size() const;

  // The caller runs in a fiber.
  static bool inside();
  // Only inside one: sends, and waits for the answer.
  static Result<Response> round_trip(Transport& transport, const Request& request);
  // Calls one(0) … one(count - 1) and waits for all; inside a fiber, kAtOnce at a time, each in a
  // fiber of its own.
  static void in_parallel(std::size_t count, const std::function<void(std::size_t)>& one);

 private:
  static constexpr std::size_t kAtOnce = 64;
  struct State;
  struct Fiber;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::client
