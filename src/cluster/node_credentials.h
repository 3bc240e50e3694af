// NodeCredentials is how the components of a node speak to the API server: with what stands in a
// kubeconfig. A node's certificate in it renews itself, and is asked for with the bootstrap token
// of another kubeconfig when there is none yet, or none that is still good.
//
// Lifetime: outlives the transports that it makes.
// Threads: `create` and the destructor on one thread, `connect` on any; renewal on a loop of its
//   own.
// Errors: 400 for a kubeconfig that cannot be used.
// Source: kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "base/error.h"
#include "base/rng.h"
#include "client/transport.h"

namespace pinnace::cluster {

class NodeCredentials {
 public:
  struct Options {
    std::string kubeconfig;            // Read, and written whenever there is a new certificate.
    std::string bootstrap_kubeconfig;  // Empty: the kubeconfig must be there.
    std::string node_name;
    bool rotates = true;
    const Clock& clock;
    Rng& rng;
    // Asked while the first certificate is waited for, which may take as long as somebody needs to
    // approve it; true ends that with 503.
    std::function<bool()> is_stopping;
  };
  static Result<std::unique_ptr<NodeCredentials>> create(Options options);
  virtual ~NodeCredentials() = default;

  virtual Result<std::unique_ptr<client::Transport>> connect(std::string user_agent) = 0;
  virtual const std::string& ca_pem() const = 0;  // Of the API server.
};

}  // namespace pinnace::cluster
