// Transport carries API requests: in this process straight to the API server's handler, or over
// HTTPS to another one. Everything in `client` stands on it and cannot tell which it has.
//
// Threads: any. `round_trip` blocks; in process it takes about as long as the store's commit.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::client {

struct Request {
  std::string method = "GET";
  std::string target;        // "/api/v1/namespaces/default/pods?labelSelector=a%3Db"
  std::string content_type;  // of the body; empty: no body
  std::string accept = "application/json";
  std::string body;
};

struct Response {
  int status = 0;
  std::shared_ptr<const std::string> body;  // never null; shared with the store when it can be
};

// A watch that is open. Destroying it ends it: no callback runs after that on the executor.
class WatchStream {
 public:
  virtual ~WatchStream() = default;
};

class Transport {
 public:
  virtual ~Transport() = default;
  // An Error only when there was no answer (503) or the request could not be sent; an answer of
  // 4xx or 5xx is a Response.
  virtual Result<Response> round_trip(const Request& request) = 0;
  // As `round_trip`, but nobody waits: the answer is given to `done`, on `executor`, never before
  // this returns.
  virtual void send(const Request& request, Executor& executor,
                    std::function<void(Result<Response>)> done);
  // Opens a watch. On `executor`: `on_line` for each event (one JSON object, without the newline),
  // then `on_end` once, with the error if the server refused or the connection broke.
  virtual std::unique_ptr<WatchStream> watch(const Request& request, Executor& executor,
                                             std::function<void(std::string_view line)> on_line,
                                             std::function<void(Result<void>)> on_end) = 0;
};

}  // namespace pinnace::client
