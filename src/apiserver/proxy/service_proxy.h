// pods/proxy and services/proxy: HTTP requests to a pod, or to one that is behind a Service.
//
// Why some addresses are refused: the request is made from here, where "localhost" and link-local
// addresses are other things than where the client or the pod is.
#pragma once

#include <string>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"
#include "apiserver/proxy/kubelet_client.h"

namespace pinnace::apiserver {

void proxy_to_pod(const BackendRef& backend, const CallRef& call);
void proxy_to_service(const BackendRef& backend, const CallRef& call);

// Where the name's scheme and port lead on this host; 400 if requests may not go there.
Result<net::Endpoint> proxied_endpoint(Backend& backend, std::string_view host,
                                       const ProxyName& name);
// What stands behind "proxy" in the URL, with the query.
std::string proxied_target(const Call& call);

struct ServiceAddress {
  std::string host;
  int port = 0;
};
// The ready addresses behind a Service's port: `port` is the port's number or name, "" for the one
// without a name. 503 when there is no such port.
Result<std::vector<ServiceAddress>> service_addresses(const store::Store& store,
                                                      const std::string& ns, const ProxyName& name);

}  // namespace pinnace::apiserver
