// Forwarder asks other resolvers, one socket per question.
//
// Why: a fresh port and a random id for each question make a forged answer hard to place, and a
//   connected socket hears only the resolver that was asked.
// Threads: the loop's.
// Bounds: `max_in_flight` questions; more fail at once.
// Errors: no value when no resolver answered in time (2 s each).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/rng.h"
#include "io/inet.h"
#include "io/loop.h"

namespace pinnace::dns {

class Forwarder {
 public:
  struct Options {
    std::vector<io::InetAddress> servers;
    Duration timeout = std::chrono::seconds(2);
    std::size_t max_in_flight = 512;
  };
  using Done = std::function<void(std::optional<std::string> answer)>;

  Forwarder(io::Loop& loop, Rng& rng, Options options);
  ~Forwarder();

  // `query` is a whole message; the answer has its id. `done` may run before this returns.
  void ask(std::string query, bool over_tcp, Done done);
  std::size_t in_flight() const { return flights_.size(); }

 private:
  struct Flight;
  void launch(std::uint64_t key);
  void on_ready(std::uint64_t key, std::uint32_t events);
  bool pump_tcp(Flight& flight, std::uint32_t events);
  void accept_answer(std::uint64_t key, std::string bytes);
  void land(Flight& flight);  // Gives back its socket and timer.
  void next_server(std::uint64_t key);
  void finish(std::uint64_t key, std::optional<std::string> answer);

  io::Loop& loop_;
  Rng& rng_;
  const Options options_;
  std::uint64_t last_key_ = 0;
  std::unordered_map<std::uint64_t, std::unique_ptr<Flight>> flights_;
};

}  // namespace pinnace::dns
