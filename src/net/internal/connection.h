// What the HTTP/1.1 and HTTP/2 connections of a server have in common.
//
// Threads: the loop's. Lifetime: the host holds it until `release`.
#pragma once

#include <memory>
#include <string>

#include "base/clock.h"
#include "net/internal/body_room.h"
#include "net/internal/channel.h"
#include "net/internal/exchange.h"
#include "net/server.h"

namespace pinnace::net::internal {

class Connection;

// The part of a server that lives on one loop.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const ServerOptions& options() const = 0;
  virtual const std::shared_ptr<LoopHandle>& handle() const = 0;
  virtual const std::shared_ptr<BodyRoom>& body_room() const = 0;
  virtual bool stopping() const = 0;
  // The connection is over; it is destroyed when nobody uses it any more.
  virtual void release(Connection& connection) = 0;
};

class Connection : public Responder,
                   public ChannelOwner,
                   public std::enable_shared_from_this<Connection> {
 public:
  Connection(ConnectionHost& host, std::unique_ptr<Channel> channel, Peer peer)
      : host_(host), channel_(std::move(channel)), peer_(std::move(peer)) {}

  virtual void start() = 0;
  virtual void check_deadlines(MonotonicTime now) = 0;
  virtual void go_away() = 0;  // Ends when what is under way has ended.
  virtual void cut() = 0;      // Ends now.
  void on_connected() override {}

 protected:
  MonotonicTime after(Duration duration) const {
    return channel_->loop().clock().monotonic() + duration;
  }
  // Whether the server has room for so much more of the request's body.
  bool has_room(Request& request, std::size_t bytes) const {
    if (request.body_share == nullptr) {
      request.body_share = std::make_shared<BodyShare>(host_.body_room());
    }
    return request.body_share->grow(bytes);
  }
  bool write_is_stuck(MonotonicTime now) const {
    return channel_ && channel_->unsent() > 0 &&
           now - channel_->last_progress() > host_.options().write_timeout;
  }

  ConnectionHost& host_;
  std::unique_ptr<Channel> channel_;  // Null when the connection is over.
  const Peer peer_;
};

std::shared_ptr<Connection> make_http1_connection(ConnectionHost& host,
                                                  std::unique_ptr<Channel> channel, Peer peer);
std::shared_ptr<Connection> make_http2_connection(ConnectionHost& host,
                                                  std::unique_ptr<Channel> channel, Peer peer);

inline constexpr const char* kNoRoom =
    "the server holds too many requests with bodies already; try again later";

// "Tue, 24 Nov 2026 10:00:00 GMT"; made once per second and thread.
const std::string& http_date(WallTime now);
const char* reason_phrase(int status);
// True if an answer with this status never has a body.
inline bool is_bodiless(int status) { return status < 200 || status == 204 || status == 304; }
// The server's own answer.
ErrorBody make_error_body(const ServerOptions& options, int status, std::string_view message);
// In the words of Kubernetes.
std::string too_large_body(const ServerOptions& options);

}  // namespace pinnace::net::internal
