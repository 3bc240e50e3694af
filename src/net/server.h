// Server listens on one address and speaks HTTP/1.1 and HTTP/2 to whoever connects.
//
// A few I/O threads share the listening socket; a connection stays on the thread that got it. With
// TLS the version is chosen by ALPN; without TLS it is HTTP/1.1.
// Threads: `create`, `stop` and the destructor from any thread but the server's own. The Handler is
//   called on the I/O threads and must not block them.
// Lifetime: the Handler outlives the Server. An Exchange may outlive it: its answer is dropped.
// Bounds: all in ServerOptions, with what happens at each.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "net/http.h"
#include "net/tls.h"

namespace pinnace::net {

// The body of an answer that the server gives by itself (400, 408, 413, 431, 500, 503).
struct ErrorBody {
  std::string content_type;
  std::string body;
};

struct ServerOptions {
  std::string address = "127.0.0.1";      // "::" listens on IPv4 too.
  int port = 0;                           // 0: the kernel chooses; see Server::port.
  std::string unix_path;                  // Instead of address and port; replaced if it is stale.
  std::shared_ptr<TlsServerContext> tls;  // Null: no TLS.
  Handler* handler = nullptr;
  int threads = 2;
  const char* thread_name = "http";        // At most 12 characters; a number is added.
  std::size_t max_body_bytes = 3u << 20;   // Larger: 413.
  // Of all requests together, until they are answered. More: 503.
  std::size_t max_bodies_bytes = 256u << 20;
  std::size_t max_head_bytes = 64u << 10;  // Larger: 431.
  std::size_t max_connections = 20000;     // More: closed at once, with a log line at times.
  std::uint32_t max_streams = 250;         // Concurrent, per HTTP/2 connection; more are refused.
  Duration handshake_timeout = std::chrono::seconds(10);
  Duration request_timeout =
      std::chrono::seconds(60);  // From its first byte to its last: 408 or cut.
  Duration idle_timeout = std::chrono::seconds(180);  // No request under way: closed.
  Duration write_timeout = std::chrono::seconds(60);  // The peer takes nothing for so long: cut.
  // Makes the body of the server's own answers; unset: plain text.
  std::function<ErrorBody(int status, std::string_view message)> error_body;
};

class Server {
 public:
  static Result<std::unique_ptr<Server>> create(ServerOptions options);
  virtual ~Server() = default;  // As `stop(0)`.
  virtual int port() const = 0;
  virtual std::size_t connections() const = 0;
  // Takes no more connections, tells HTTP/2 peers to go away, waits up to `grace` for requests
  // under way (watches do not end by themselves), then cuts what is left.
  virtual void stop(Duration grace) = 0;
};

}  // namespace pinnace::net
