// HttpFetcher sends the GET requests of probes and lifecycle hooks, and opens TCP connections.
//
// Why certificates are not verified: a container's own certificate is known to nobody; the kubelet
//   of Kubernetes does the same.
// Threads: any; `done` runs on the loop. Bounds: 10 KiB of an answer are read, redirects are not
//   followed.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "api/types/core_v1.h"
#include "base/clock.h"
#include "base/error.h"
#include "kubelet/stop_signal.h"

namespace pinnace::io {
class Loop;
}

namespace pinnace::kubelet {

namespace core = api::core_v1;

struct HttpTarget {
  std::string host;
  int port = 0;
  bool tls = false;
  std::string path;
  std::vector<std::pair<std::string, std::string>> headers;
};
struct HttpAnswer {
  int status = 0;
  std::string body;
};

class HttpFetcher {
 public:
  explicit HttpFetcher(io::Loop& loop) : loop_(loop) {}
  void get(HttpTarget target, Duration timeout, std::function<void(Result<HttpAnswer>)> done);
  void connect(std::string host, int port, Duration timeout,
               std::function<void(Result<void>)> done);
  // Not from the loop's thread. 503 when `stopping` is given first.
  Result<HttpAnswer> get_blocking(HttpTarget target, Duration timeout, StopSignal& stopping);

 private:
  io::Loop& loop_;
};

// The port's number, by number or by the name of one of the container's ports; 400 if none.
Result<int> resolve_port(const api::IntOrString& port, const core::Container& container);
// Where an httpGet action goes for a pod with this address.
Result<HttpTarget> http_target(const core::HTTPGetAction& action, const core::Container& container,
                               const std::string& pod_ip, std::string_view user_agent);

}  // namespace pinnace::kubelet
