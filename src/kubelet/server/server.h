// The node agent's HTTPS handler: logs, exec, attach, port-forward, and what the node measures.
//
// Who may call: the API server's client certificate, or any of the group "system:masters". The rest
//   gets 401 (no certificate that verifies) or 403.
// Threads: `handle` on the server's I/O threads, as net::Handler says. Calls to the runtime and
//   reads of log files run on a pool of its own.
// Lifetime: the handler outlives the net::Server that calls it; what Options names outlives both.
// Bounds: 16 threads for what blocks. A session without traffic ends after 4 hours; one whose
//   streams are not there after 30 seconds is ended by the runtime.
// Source: Kubernetes' node API, as API servers and metrics collectors use it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "api/types/core_v1.h"
#include "base/clock.h"
#include "base/metrics.h"
#include "kubelet/cri/runtime.h"
#include "net/http.h"

namespace pinnace::kubelet {

namespace core = api::core_v1;

// The pods of this node, with the newest status that the agent knows. Threads: any.
class PodDirectory {
 public:
  virtual ~PodDirectory() = default;
  virtual std::shared_ptr<const core::Pod> find(std::string_view ns,
                                                std::string_view name) const = 0;
  virtual std::vector<std::shared_ptr<const core::Pod>> all() const = 0;
};

struct ServerOptions {
  const PodDirectory& pods;
  cri::Runtime& runtime;
  const Clock& clock;
  const metrics::Registry& metrics;
  std::string node_name;
  std::string log_root;     // NodeSettings::log_root
  std::string cgroup_root;  // NodeSettings::cgroup_root
  // The common name of the API server's client certificate.
  std::string api_server_name = "kube-apiserver-kubelet-client";
};

std::unique_ptr<net::Handler> create_server_handler(ServerOptions options);

}  // namespace pinnace::kubelet
