// Agent is the node agent: it registers the node, runs the pods that are bound to it, reports on
// both, and serves logs, exec and statistics.
//
// Lifetime: all that Options refers to outlives it. Pods and the runtime go on running when it is
//   stopped; a later agent takes them up again.
// Threads: `start`, `stop` and the destructor from one thread that is not the loop's. Informers and
//   timers run on `loop`; what blocks runs on threads of its own.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"
#include "base/rng.h"
#include "client/client.h"
#include "kubelet/cri/runtime.h"
#include "net/x509.h"

namespace pinnace::io {
class Loop;
}

namespace pinnace::kubelet {

class Agent {
 public:
  struct Options {
    const client::Client& api;  // As "system:node:NAME" of "system:nodes".
    cri::Runtime& runtime;
    io::Loop& loop;
    const Clock& clock;
    Rng& rng;
    metrics::Registry& metrics;

    std::string node_name;
    std::string node_ip;
    std::string node_pod_cidr;  // Set when the node is registered; empty: left to others.
    std::string version;        // "v1.35.0+pinnace"

    std::string root_dir;      // pods/, plugins/...: what must outlive a reboot.
    std::string volatile_dir;  // On a tmpfs: Secrets and tokens of pods.
    std::string log_root;      // Containers' logs.
    std::string cgroup_root;   // "/pinnace-NAME"

    std::string cluster_dns;  // Empty: pods resolve as the host does.
    std::string cluster_domain = "cluster.local";
    std::string resolv_conf = "/etc/resolv.conf";

    std::string pause_image;  // Never collected as garbage.

    std::string listen_address = "0.0.0.0";
    int port = 10250;  // 0: the kernel chooses; see `port()`.
    net::CertificateAndKey serving;
    bool rotate_serving = false;  // Asks the API for what it shows; `serving` until that is there.
    std::string client_ca_pem;    // Whose certificates are looked at on the port.
    std::string api_server_name = "kube-apiserver-kubelet-client";  // Who may call it: common name.
  };

  // Returns when its port is open; the node becomes Ready a moment later.
  static Result<std::unique_ptr<Agent>> start(Options options);
  virtual ~Agent() = default;  // As `stop`.
  // Ends watches, timers and work in flight. Containers stay.
  virtual void stop() = 0;
  virtual int port() const = 0;
};

}  // namespace pinnace::kubelet
