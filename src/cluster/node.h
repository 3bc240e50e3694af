// Node is a cluster's hands on this machine: container runtime, node agent, service proxy and DNS.
//
// Lifetime: `start` returns when all of it runs; the node is Ready a moment later. Destroying it
// leaves
//   pods and the container runtime running.
// Threads: made and destroyed on one thread.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/rng.h"
#include "client/transport.h"
#include "cluster/settings.h"
#include "net/x509.h"

namespace pinnace::cluster {

// A transport that speaks as one of the node's components.
struct Identity {
  std::string user;
  std::vector<std::string> groups;
};
using MakeTransport = std::function<std::unique_ptr<client::Transport>(const Identity&)>;

class Node {
 public:
  struct Options {
    const Settings& settings;
    std::string node_ip;
    net::CertificateAndKey serving;  // What the node agent shows on its port.
    bool rotate_serving = false;     // It asks the API for the next one; see kubelet::Agent.
    std::string client_ca_pem;       // Who may call it.
    MakeTransport make_transport;
    const Clock& clock;
    Rng& rng;
  };
  static Result<std::unique_ptr<Node>> start(Options options);
  virtual ~Node() = default;
};

// The address of the default route's link, else the first that is not of the loopback. 400 if there
// is none.
Result<std::string> find_node_ip();

}  // namespace pinnace::cluster
