// What HTTP messages look like to the rest of Pinnace, whichever version carries them.
//
// A server calls a Handler with a whole Request (body read, bounded) and an Exchange to answer on.
// The answer is a whole body, a Body that is pulled as the peer takes it, or an upgrade to a raw
// Stream.
// Threads: a Handler runs on the I/O thread of its connection. `Exchange` may be answered from any
//   thread. Bodies and Streams live on the I/O thread; only `wake` and `close` may be called
//   elsewhere.
// Source: RFC 9110, 9112, 9113.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pinnace::io {
class Loop;
}

namespace pinnace::net::internal {
class BodyShare;
}

namespace pinnace::net {

// Names are kept lower case. Few enough that a scan beats a map.
class Headers {
 public:
  void add(std::string_view name, std::string_view value);
  void set(std::string_view name, std::string_view value);
  void remove(std::string_view name);
  // The first value, or "" when there is none.
  std::string_view get(std::string_view name) const;
  bool has(std::string_view name) const;
  std::vector<std::string_view> get_all(std::string_view name) const;
  // True if a comma-separated header has this token, ignoring case.
  bool has_token(std::string_view name, std::string_view token) const;
  const std::vector<std::pair<std::string, std::string>>& all() const { return entries_; }

 private:
  std::vector<std::pair<std::string, std::string>> entries_;
};

// What more a client's certificate says.
struct CertificateDetails {
  std::string sha256;     // Of its DER form, in hex; empty for one that did not verify.
  std::string uid;        // The attribute 1.3.6.1.4.1.57683.2 of its subject.
  std::string chain_pem;  // As it came, if the server keeps chains (ServerTlsOptions).
  WallTime not_after{};   // Its last moment.
};

// Who is on the other end.
struct Peer {
  std::string address;  // "192.0.2.1"
  int port = 0;
  // A certificate that the server's client authority signed; empty when there was none.
  std::string certificate_common_name;
  std::vector<std::string> certificate_organizations;
  // A certificate was offered but did not verify; the reason.
  std::string certificate_error;
  std::shared_ptr<const CertificateDetails> certificate_details;  // Null without a certificate.
};

struct Request {
  std::string method;  // "GET"
  std::string target;  // "/api/v1/pods?limit=5", as it came
  std::string path;    // before '?', not decoded
  std::string query;   // after '?', not decoded
  Headers headers;
  std::string body;
  // What the body takes of its server's room for bodies; given back with the request.
  std::shared_ptr<internal::BodyShare> body_share;
  Peer peer;
  int http_version = 11;  // 11 or 20
};

// Bytes that are made while the peer takes them.
class Body {
 public:
  enum class State {
    kMore,     // Ask again when the bytes are sent.
    kWaiting,  // Nothing now: `wake` of the Exchange says when to ask again.
    kEnd,      // That was all.
    kFailed,   // Cut the connection or reset the stream: the peer must not take this as an end.
  };
  struct Read {
    std::size_t bytes = 0;  // How much of the buffer was filled; may be non-zero with any state.
    State state = State::kEnd;
  };
  virtual ~Body() = default;  // Runs when the exchange is over, however it ended.
  virtual Read read(std::span<char> buffer) = 0;
};

// Bytes both ways, after an upgrade or from a client connection.
class Stream {
 public:
  // Called on the loop. `on_data` consumes all of `bytes`; while `pause_reading(true)` it is not
  // called.
  struct Events {
    std::function<void(std::string_view bytes)> on_data;
    std::function<void()> on_end;      // The peer will send no more.
    std::function<void()> on_drained;  // `unsent_bytes` fell to zero after a write.
    std::function<void()> on_closed;   // Over; nothing is called after this.
  };
  virtual ~Stream() = default;  // Closes it; no event is called any more.
  virtual void start(Events events) = 0;
  virtual void write(std::string_view bytes) = 0;  // Takes a copy of what cannot be sent at once.
  virtual std::size_t unsent_bytes() const = 0;    // The writer must stop when this grows large.
  virtual void pause_reading(bool paused) = 0;
  virtual void end() = 0;    // Sends what is left, then says that no more will come.
  virtual void close() = 0;  // At once.
  virtual io::Loop& loop() = 0;
};

// One request's answer. Exactly one of `respond`, `stream`, `upgrade` is called, once.
class Exchange {
 public:
  virtual ~Exchange() = default;
  virtual void respond(int status, Headers headers, std::shared_ptr<const std::string> body) = 0;
  void respond(int status, Headers headers, std::string body);
  // Sends the head and then what `body` gives, until kEnd.
  virtual void stream(int status, Headers headers, std::unique_ptr<Body> body) = 0;
  // The Body that waits may have something now. Any thread; harmless when the exchange is over.
  virtual void wake() = 0;
  // Answers 101 with these headers and hands over the connection. HTTP/1.1 only: with HTTP/2 it
  // answers 400 and gives nullptr. Loop thread only.
  virtual std::unique_ptr<Stream> upgrade(Headers headers) = 0;
  // Set before answering: called on the loop when the peer went away before the answer was sent.
  virtual void on_cancel(std::function<void()> cancelled) = 0;
  virtual io::Loop& loop() = 0;
  // Runs `work` on the loop; it is dropped when the server is gone. Any thread.
  virtual void post(std::function<void()> work) = 0;
  // Goes on with this exchange's request after a wait: on the loop of its connection, so that what
  // wakes many requests does not do their work; where there is no connection, at once. Any thread.
  virtual void resume(std::function<void()> work) { work(); }
};

class Handler {
 public:
  virtual ~Handler() = default;
  virtual void handle(Request request, std::shared_ptr<Exchange> exchange) = 0;
};

}  // namespace pinnace::net
