// LeaseKeeper renews the node's Lease every 10 s: the sign that the node lives.
//
// Threads: any; the work is done on the pool. Lifetime: `stop` before the executor and the pool
//   end.
// Source: Kubernetes documentation, "Node heartbeats".
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "api/types/coordination_v1.h"
#include "client/client.h"
#include "kubelet/repeater.h"

namespace pinnace::kubelet {

class LeaseKeeper {
 public:
  struct Options {
    const client::Client& api;
    Executor& executor;
    ThreadPool& pool;
    const Clock& clock;
    std::string node_name;
    // The uid of the node's object, which then owns the Lease; empty while there is none.
    std::function<std::string()> node_uid;
  };
  explicit LeaseKeeper(Options options);
  void start() { repeater_.wake(); }
  void stop() { repeater_.stop(); }

 private:
  using Lease = api::coordination_v1::Lease;
  Duration renew();
  Result<Lease> write();
  void set_owner(Lease& lease) const;

  const Options options_;
  std::optional<Lease> lease_;  // As the API has it.
  int failures_ = 0;
  Repeater repeater_;
};

}  // namespace pinnace::kubelet
