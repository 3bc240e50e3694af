// NodeCall is one request to the node agent, taken apart; ServerContext what its handlers share.
//
// Bounds: more than 256 query parameters are a bad request.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "kubelet/server/server.h"
#include "kubelet/thread_pool.h"
#include "net/http.h"

namespace pinnace::kubelet {

// The decoded part of a URL after '?'.
class Parameters {
 public:
  static Result<Parameters> parse(std::string_view query);
  // The first value, or "" when there is none.
  std::string_view get(std::string_view name) const;
  std::vector<std::string> get_all(std::string_view name) const;
  bool flag(std::string_view name) const;  // "1" and "true".

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

struct NodeCall {
  net::Request request;
  std::shared_ptr<net::Exchange> exchange;
  Parameters query;
  std::vector<std::string> path;  // Its decoded parts.
};
using NodeCallRef = std::shared_ptr<NodeCall>;

struct ServerContext {
  ServerOptions options;
  ThreadPool pool{"node-server", 16};  // For what blocks.
};

void answer_text(const NodeCall& call, int status, std::string text);
void answer_json(const NodeCall& call, std::string json);
inline void answer_error(const NodeCall& call, const Error& error) {
  answer_text(call, error.code, error.message);
}

}  // namespace pinnace::kubelet
