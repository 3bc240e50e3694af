// SlowTransport gives answers late, by chance: what a component asked for may be overtaken by what
// it watches, and others act meanwhile.
//
// Threads: the simulation's.
#pragma once

#include <memory>
#include <utility>

#include "base/rng.h"
#include "client/transport.h"

namespace pinnace::sim {

class SlowTransport final : public client::Transport {
 public:
  SlowTransport(client::Transport& inner, Rng& rng) : inner_(inner), rng_(rng) {}

  Result<client::Response> round_trip(const client::Request& request) override {
    return inner_.round_trip(request);
  }
  // Half of the answers at once, the others up to 30 ms later.
  void send(const client::Request& request, Executor& executor,
            std::function<void(Result<client::Response>)> done) override {
    const Duration delay = std::chrono::milliseconds(rng_.below(2) == 0 ? 0 : rng_.below(30));
    inner_.send(request, executor,
                [&executor, delay, done = std::move(done)](Result<client::Response> response) {
                  if (delay == Duration::zero()) return done(std::move(response));
                  auto held = std::make_shared<Result<client::Response>>(std::move(response));
                  executor.schedule_after(delay, [held, done] { done(std::move(*held)); });
                });
  }
  std::unique_ptr<client::WatchStream> watch(const client::Request& request, Executor& executor,
                                             std::function<void(std::string_view line)> on_line,
                                             std::function<void(Result<void>)> on_end) override {
    return inner_.watch(request, executor, std::move(on_line), std::move(on_end));
  }

 private:
  client::Transport& inner_;
  Rng& rng_;
};

}  // namespace pinnace::sim
