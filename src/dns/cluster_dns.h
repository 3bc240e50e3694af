// ClusterDns is the cluster's DNS on one node: informers feed the Directory, the server answers on
// the cluster DNS address.
//
// Why: each node carries the same address on a link of its own, so a pod's question never leaves
//   the node and no Service has to be resolved to find the resolver.
// Lifetime: everything in Options must outlive it. `stop` (or the destructor) ends it on the
//   loop's thread; the link stays until `remove_link`, so a restart loses no question in flight.
// Threads: create, start, stop and the destructor on the loop's thread.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/rng.h"
#include "client/client.h"
#include "io/inet.h"
#include "io/loop.h"

namespace pinnace::dns {

class ClusterDns {
 public:
  struct Options {
    const client::Client& client;
    io::Loop& loop;
    Rng& rng;
    std::string zone = "cluster.local";
    io::InetAddress listen{{0x0a60000a}, 53};      // 10.96.0.10
    std::string link = "pinnace-dns";              // empty: the address is there already
    std::string resolv_conf = "/etc/resolv.conf";  // the host's resolvers
    // Gives the host a route to cluster addresses, from the node's own, so that they work where
    // there is no default route; empty: no route.
    std::optional<io::Cidr> service_cidr;
    std::optional<io::Ipv4> node_address;
    // Create the kube-system/kube-dns Service; one node's DNS is enough.
    bool create_service = true;
  };
  // Fails when the address cannot be carried or bound.
  static Result<std::unique_ptr<ClusterDns>> create(Options options);
  virtual ~ClusterDns() = default;
  virtual void start() = 0;
  virtual void stop() = 0;
  virtual io::InetAddress address() const = 0;

  static Result<void> remove_link(const std::string& link);
};

}  // namespace pinnace::dns
