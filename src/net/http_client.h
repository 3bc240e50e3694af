// HttpClient sends HTTP/1.1 requests to one server from a loop; BlockingClient does so for any
// thread.
//
// Why HTTP/1.1 only: every server that we call speaks it, and upgrades need it.
// Threads: HttpClient and Call live on the loop's thread; BlockingClient may be called from any.
// Errors: an answer of 4xx or 5xx is an answer. An Error (503, Retry::kLater) means there was none.
// Bounds: `max_idle` connections are kept for reuse; an answer's head is at most 64 KiB; waiting
//   data is at most one read (64 KiB), because a paused call stops reading from the socket.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "net/http.h"
#include "net/tls.h"

namespace pinnace::io {
class Loop;
}

namespace pinnace::net {

// Where a server is. With `unix_path` nothing else is used, but `host` goes into the Host header.
struct Endpoint {
  std::string host;  // A name or an address, "[::1]" without brackets.
  int port = 0;
  std::string unix_path;
  std::shared_ptr<TlsClientContext> tls;  // Null: no TLS.
};

// "https://[::1]:6443/base" taken apart. Without a port it is 80 or 443.
struct Url {
  bool tls = false;
  std::string host;
  int port = 0;
  std::string path;  // With the query; "" when there is none.
};
Result<Url> parse_url(std::string_view text);

struct ClientOptions {
  Endpoint endpoint;
  Duration connect_timeout = std::chrono::seconds(10);  // With the TLS handshake.
  Duration idle_timeout = std::chrono::seconds(55);     // Kept connections are dropped after it.
  std::size_t max_idle = 8;
};

// `host`, `content-length` and `transfer-encoding` are set by the client.
struct ClientRequest {
  std::string method = "GET";
  std::string target = "/";
  Headers headers;
  std::string body;
};

struct ResponseHead {
  int status = 0;
  Headers headers;
};

// A request under way. Destroying it cancels it: no event is called any more.
class Call {
 public:
  struct Events {
    std::function<void(const ResponseHead& head)> on_head;
    std::function<void(std::string_view bytes)> on_data;  // Consumes all of them.
    // Once, at the end: the answer is complete, or why it is not. Not after `on_upgrade`.
    std::function<void(Result<void> result)> on_done;
    // The server answered 101: the connection is the caller's now. If unset, a 101 is an error.
    std::function<void(const ResponseHead& head, std::unique_ptr<Stream> stream)> on_upgrade;
  };
  virtual ~Call() = default;
  // While paused `on_data` is not called (but for what was read already in this turn of the loop)
  // and the server is held back.
  virtual void pause_reading(bool paused) = 0;
};

class HttpClient {
 public:
  static std::unique_ptr<HttpClient> create(io::Loop& loop, ClientOptions options);
  virtual ~HttpClient() = default;  // Cancels what is under way.
  // A request is sent again on a new connection only if a kept one broke before any answer came.
  [[nodiscard]] virtual std::unique_ptr<Call> send(ClientRequest request, Call::Events events) = 0;
};

// A TCP (or unix, or TLS) connection as a Stream, for what is not HTTP: port-forward, probes.
// `done` is called on the loop once; destroying the returned handle cancels the attempt.
class PendingConnect {
 public:
  virtual ~PendingConnect() = default;
};
[[nodiscard]] std::unique_ptr<PendingConnect> connect_stream(
    io::Loop& loop, Endpoint endpoint, Duration timeout,
    std::function<void(Result<std::unique_ptr<Stream>>)> done);

struct ClientResponse {
  int status = 0;
  Headers headers;
  std::string body;
};

// A pooled client with a thread of its own. Do not call `send` from that thread.
class BlockingClient {
 public:
  static std::unique_ptr<BlockingClient> create(ClientOptions options);
  virtual ~BlockingClient() = default;
  // The whole answer; 504 when `timeout` passes first, 413 when the body is larger.
  virtual Result<ClientResponse> send(ClientRequest request,
                                      Duration timeout = std::chrono::seconds(60),
                                      std::size_t max_body_bytes = 256u << 20) = 0;
  // For streaming calls on the same pool: post to `loop()`, then use `async()` there.
  virtual io::Loop& loop() = 0;
  virtual HttpClient& async() = 0;
};

}  // namespace pinnace::net
