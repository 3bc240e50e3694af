// WebSocket: messages over a Stream, as a server (and, for tests and tools, as a client).
//
// A server answers a Request with `websocket_handshake`'s headers by Exchange::upgrade and wraps
// the Stream that it gets.
// Threads: the Stream's loop.
// Lifetime: owns the Stream; destroying it calls no event any more. An event may destroy the
//   WebSocket that calls it.
// Bounds: a message of more than `max_message_bytes` ends the connection with code 1009. A peer
//   that does not answer a close frame within 10 seconds is dropped; pings of one that leaves
//   1 MiB unread are not answered.
// Source: RFC 6455; no extensions.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "net/http.h"

namespace pinnace::net {

// True if the request asks for an upgrade to WebSocket.
bool is_websocket_request(const Request& request);

struct WebSocketHandshake {
  Headers headers;       // For Exchange::upgrade.
  std::string protocol;  // The first that the client named and we have; "" if it named none.
};
// 400 if the request is malformed; 403 if it asks for protocols of which we have none (as
// Kubernetes does). `supported` empty: any request is taken, without a protocol.
Result<WebSocketHandshake> websocket_handshake(const Request& request,
                                               const std::vector<std::string_view>& supported);
std::string websocket_accept_key(std::string_view key);

class WebSocket {
 public:
  struct Events {
    std::function<void(bool text, std::string_view message)> on_message;
    std::function<void()> on_drained;  // All that was sent is out.
    // Once, last: the peer's close code (1005 when it gave none, 1006 when it vanished).
    std::function<void(int code, std::string_view reason)> on_closed;
  };
  enum class Role { kServer, kClient };
  static std::unique_ptr<WebSocket> create(std::unique_ptr<Stream> stream,
                                           Role role = Role::kServer,
                                           std::size_t max_message_bytes = 1u << 20);
  virtual ~WebSocket() = default;
  virtual void start(Events events) = 0;
  virtual void send_text(std::string_view message) = 0;
  // As one message, without joining the parts first: Kubernetes' channel byte and its data.
  virtual void send_binary(std::string_view first, std::string_view rest) = 0;
  void send_binary(std::string_view message) { send_binary(message, {}); }
  virtual void ping(std::string_view payload = {}) = 0;
  // Sends a close frame; the connection ends when the peer answers it.
  virtual void close(int code, std::string_view reason = {}) = 0;
  virtual std::size_t unsent_bytes() const = 0;
  virtual void pause_reading(bool paused) = 0;
  virtual io::Loop& loop() = 0;
};

// The bytes of binary messages as a Stream: a protocol tunnelled in a WebSocket. Its `end` closes
// the WebSocket, for there is no other way to say that no more will come.
std::unique_ptr<Stream> stream_over(std::unique_ptr<WebSocket> socket);

}  // namespace pinnace::net
