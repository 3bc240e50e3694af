// Aggregator knows the servers that serve groups and versions behind this one: whether each can be
// reached, what it serves, and where to send requests for it.
//
// It makes an APIService for everything that is served here, writes the condition Available of the
// others, and puts what they serve into the catalog, so that discovery shows it. Their OpenAPI
// documents are read after each check, and a change of them makes another catalog, too.
// Cost: nothing per request while no APIService names a Service.
// Lifetime: `start` at the server's start, `stop` before its store goes.
// Threads: `find` and `documents` from any thread; the rest works on the options' executor.
// Bounds: kMaxRemoteVersions other versions; more stay unavailable and say so.
// Source: kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer.
#pragma once

#include <memory>
#include <string_view>

#include "apiserver/aggregation/api_service.h"
#include "apiserver/aggregation/remote_openapi.h"
#include "net/http_client.h"

namespace pinnace::apiserver {

struct Backend;

inline constexpr std::size_t kMaxRemoteVersions = 256;

// Where requests for a group and version go.
struct RemoteApi {
  ApiService service;
  std::shared_ptr<net::TlsClientContext> tls;
  bool is_available = false;
};
using RemoteApiRef = std::shared_ptr<const RemoteApi>;

class Aggregator {
 public:
  static std::shared_ptr<Aggregator> create(const std::weak_ptr<Backend>& backend);
  virtual ~Aggregator() = default;

  virtual void start() = 0;
  virtual void stop() = 0;
  // Something that is served here may have come or gone.
  virtual void wake() = 0;
  // What the other servers said of themselves last; never null.
  virtual RemoteOpenApisRef documents() const = 0;
  // Null: it is served here, or nowhere.
  virtual RemoteApiRef find(std::string_view group, std::string_view version) const = 0;
};

// The address of one of the servers behind the APIService, chosen by chance; an Error whose reason
// is the one that the condition Available gives (ServiceNotFound, EndpointsNotFound, ...).
Result<net::Endpoint> remote_endpoint(Backend& backend, const RemoteApi& remote);

}  // namespace pinnace::apiserver
