// ServiceProxy keeps the node's nftables table as Services, EndpointSlices and pods want it.
//
// Why: in the kernel a Service costs one map look-up, however many there are.
// Lifetime: everything in Options must outlive it. The table stays when it stops, so connections
//   go on while the agent restarts; `cleanup` removes it.
// Threads: create, start, stop and the destructor on the loop's thread. A change is written about
//   10 ms after the first event, with what came meanwhile, in one transaction of a few ms.
// Errors: a failed transaction is logged and all is written anew, after 1 s doubling to 30 s.
#pragma once

#include <memory>
#include <string>

#include "client/client.h"
#include "io/loop.h"
#include "kubeproxy/plan.h"

namespace pinnace::kubeproxy {

class ServiceProxy {
 public:
  struct Options {
    const client::Client& client;
    io::Loop& loop;
    Facts facts;
  };
  static std::unique_ptr<ServiceProxy> create(Options options);
  virtual ~ServiceProxy() = default;
  virtual void start() = 0;
  virtual void stop() = 0;
  // The table holds what the informers knew at some time after `start`.
  virtual bool synced() const = 0;

  // Removes the table wholly; a success when there is none.
  static Result<void> cleanup(const std::string& table);
};

}  // namespace pinnace::kubeproxy
