// PretendNode registers a Node, renews its lease, and makes pods that are bound to it Running and
// Ready after a while, as a node agent would.
//
// A pod whose first image contains "broken" never becomes Ready. Deleted pods end after a while.
// Threads: the simulation's.
#pragma once

#include <memory>
#include <string>

#include "base/rng.h"
#include "client/client.h"

namespace pinnace::sim {

class PretendNode {
 public:
  struct Options {
    std::string name;
    std::string labels;  // members of a JSON object
    std::string taints;  // elements of a JSON array
    std::string cpu = "8";
    int number = 1;  // Its pods have addresses 10.244.NUMBER.x.
  };
  PretendNode(const client::Client& api, Executor& executor, Rng& rng, Options options);
  ~PretendNode();

  const std::string& name() const;
  // Falls silent: no heartbeat, no pod is touched any more.
  void die();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::sim
