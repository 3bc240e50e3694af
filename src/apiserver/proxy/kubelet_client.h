// KubeletClient knows how to reach the kubelets of the cluster's nodes, and pods and services for
// proxy requests.
//
// Why without connections of its own: each request is sent from the loop of the client that made
// it, so that no byte changes threads on its way.
// Threads: any.
// Source: Kubernetes' "Communication between Nodes and the Control Plane".
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "api/value.h"
#include "apiserver/server.h"
#include "base/error.h"
#include "net/http_client.h"
#include "net/tls.h"

namespace pinnace::apiserver {

class KubeletClient {
 public:
  explicit KubeletClient(const Options& options);

  // The kubelet of a node, by its InternalIP and the port that it reports. 404 without the node.
  // `verify` false: whoever answers there is believed, as `insecureSkipTLSVerifyBackend` asks.
  Result<net::Endpoint> kubelet_of(std::string_view node, bool verify = true);
  // For servers that are none of the cluster's: no certificate is asked for, and ours is not shown.
  Result<std::shared_ptr<net::TlsClientContext>> stranger_tls();

 private:
  struct Context {
    net::ClientTlsOptions options;
    std::shared_ptr<net::TlsClientContext> made;
  };
  // Made at its first use.
  Result<std::shared_ptr<net::TlsClientContext>> use(Context& context);

  const store::Store& store_;
  std::mutex mutex_;
  Context verified_, unverified_, stranger_;
};

// "[scheme:]name[:port]", as the names of proxied pods, services and nodes are written.
struct ProxyName {
  std::string scheme, name, port;
};
Result<ProxyName> parse_proxy_name(std::string_view resource, std::string_view text);

// The first address of this type; "" when there is none.
std::string node_address(const api::Value& node, std::string_view type);
int kubelet_port(const api::Value& node);

}  // namespace pinnace::apiserver
