#include "kubelet/server/server.h"

#include <algorithm>

#include "api/typed.h"
#include "base/strings.h"
#include "kubelet/server/logs.h"
#include "kubelet/server/node_call.h"
#include "kubelet/server/stats.h"
#include "kubelet/server/streams.h"

namespace pinnace::kubelet {
namespace {

void healthz(ServerContext&, const NodeCallRef& call) { answer_text(*call, 200, "ok"); }

void metrics_text(ServerContext& context, const NodeCallRef& call) {
  answer_text(*call, 200, context.options.metrics.text());
}

void pods(ServerContext& context, const NodeCallRef& call) {
  std::string json = R"({"kind":"PodList","apiVersion":"v1","metadata":{},"items":[)";
  for (const auto& pod : context.options.pods.all()) {
    if (json.back() != '[') json += ',';
    json += api::to_json(*pod);
  }
  answer_json(*call, json + "]}");
}

struct Route {
  std::string_view path;  // Its first parts.
  std::size_t names;      // How many parts follow.
  std::string_view methods;
  void (*handle)(ServerContext&, const NodeCallRef&);
};

constexpr Route kRoutes[] = {
    {"healthz", 0, "GET HEAD", healthz},
    {"metrics", 0, "GET", metrics_text},
    {"metrics/resource", 0, "GET", resource_metrics},
    {"stats/summary", 0, "GET", stats_summary},
    {"pods", 0, "GET", pods},
    {"containerLogs", 3, "GET", container_logs},
    {"exec", 3, "GET POST", exec_in_container},
    {"attach", 3, "GET POST", attach_to_container},
    {"portForward", 2, "GET POST", forward_ports},
};

const Route* find_route(const std::vector<std::string>& path) {
  for (const Route& route : kRoutes) {
    const auto words = split(route.path, '/');
    if (path.size() == words.size() + route.names &&
        std::equal(words.begin(), words.end(), path.begin())) {
      return &route;
    }
  }
  return nullptr;
}

// "." and ".." are names of nothing; an empty part is left out, as net/http's mux does.
Result<std::vector<std::string>> decode_path(std::string_view path) {
  std::vector<std::string> parts;
  for (const auto part : split(path, '/')) {
    if (part.empty()) continue;
    auto decoded = percent_decode(part);
    if (!decoded || *decoded == "." || *decoded == ".." || decoded->contains('/')) {
      return errors::bad_request("malformed path");
    }
    parts.push_back(std::move(*decoded));
  }
  return parts;
}

Result<void> authorize(const ServerOptions& options, const net::Request& request) {
  const net::Peer& peer = request.peer;
  if (peer.certificate_common_name.empty()) return errors::unauthorized();
  const bool is_master = std::ranges::find(peer.certificate_organizations, "system:masters") !=
                         peer.certificate_organizations.end();
  if (is_master || peer.certificate_common_name == options.api_server_name) return {};
  const bool reads = request.method == "GET" || request.method == "HEAD";
  Error error = errors::forbidden("nodes", options.node_name, "").error();
  error.message = "Forbidden (user=" + peer.certificate_common_name +
                  ", verb=" + (reads ? "get" : "create") +
                  ", resource=nodes, subresource(s)=[proxy])";
  return std::unexpected(std::move(error));
}

class ServerHandler final : public net::Handler {
 public:
  explicit ServerHandler(ServerOptions options) : context_{std::move(options)} {}

  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    auto call = std::make_shared<NodeCall>();
    call->request = std::move(request);
    call->exchange = std::move(exchange);
    if (auto done = enter(call); !done) answer_error(*call, done.error());
  }

 private:
  Result<void> enter(const NodeCallRef& call) {
    if (auto ok = authorize(context_.options, call->request); !ok) return ok;
    auto path = decode_path(call->request.path);
    if (!path) return std::unexpected(std::move(path.error()));
    auto query = Parameters::parse(call->request.query);
    if (!query) return std::unexpected(std::move(query.error()));
    call->path = std::move(*path);
    call->query = std::move(*query);
    const Route* route = find_route(call->path);
    if (route == nullptr) {
      answer_text(*call, 404, "404 page not found\n");
      return {};
    }
    const auto methods = split(route->methods, ' ');
    if (std::ranges::find(methods, call->request.method) == methods.end()) {
      answer_text(*call, 405, "405: Method Not Allowed");
      return {};
    }
    route->handle(context_, call);
    return {};
  }

  ServerContext context_;
};

}  // namespace

std::unique_ptr<net::Handler> create_server_handler(ServerOptions options) {
  return std::make_unique<ServerHandler>(std::move(options));
}

}  // namespace pinnace::kubelet
