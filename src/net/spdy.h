// SPDY/3.1: many streams over one connection, as Kubernetes' exec, attach and port-forward use it.
//
// Why without flow control: Kubernetes' peers neither send nor expect WINDOW_UPDATE. Back-pressure
//   is the connection's: `pause_reading`, `unsent_bytes`.
// Threads: the Stream's loop.
// Lifetime: the session owns its transport. SpdyStreams are shared, and calls on one whose session
//   is over do nothing. An event may drop the session that calls it.
// Bounds: 1,000 streams of the peer at once, more are refused; 64 KiB of headers for one stream, or
//   the session ends. Data is passed on as it comes. A peer that leaves 1 MiB unread and asks the
//   session itself for more (by pings, by streams too many) ends it.
// Source: SPDY Protocol, Draft 3.1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include "net/http.h"

namespace pinnace::net {

class SpdyStream {
 public:
  static constexpr std::uint32_t kRefused = 3, kCancel = 5, kInternalError = 6;
  struct Events {
    std::function<void(std::string_view bytes)> on_data;
    std::function<void()> on_end;                          // The peer will send no more.
    std::function<void(const Headers& headers)> on_reply;  // To a stream that we opened.
    std::function<void(std::uint32_t status)> on_reset;  // Over: RST_STREAM, or the session ended.
  };
  virtual ~SpdyStream() = default;
  virtual std::uint32_t id() const = 0;
  virtual const Headers& headers() const = 0;  // Of its SYN_STREAM.
  // What came before `start` is kept (64 KiB; more resets the stream).
  virtual void start(Events events) = 0;
  virtual void reply(const Headers& headers = {}) = 0;  // Accepts a stream that the peer opened.
  virtual void write(std::string_view bytes) = 0;
  virtual void end() = 0;  // We will send no more.
  virtual void reset(std::uint32_t status = kCancel) = 0;
  virtual bool is_closed() const = 0;
};

class SpdySession {
 public:
  struct Events {
    // The peer opened a stream: keep it and `reply`, or `reset` it.
    std::function<void(std::shared_ptr<SpdyStream> stream)> on_stream;
    std::function<void()> on_drained;
    std::function<void()> on_closed;  // Once, last; after `on_reset` of the streams.
  };
  enum class Role { kServer, kClient };
  static std::unique_ptr<SpdySession> create(std::unique_ptr<Stream> stream, Role role);
  virtual ~SpdySession() = default;  // Closes at once.
  virtual void start(Events events) = 0;
  // Null when the session is over or the peer said that it goes away.
  virtual std::shared_ptr<SpdyStream> open(const Headers& headers) = 0;
  virtual void ping() = 0;
  virtual void close() = 0;  // GOAWAY, then ends when it is sent.
  virtual std::size_t unsent_bytes() const = 0;
  virtual void pause_reading(bool paused) = 0;
  virtual io::Loop& loop() = 0;
};

}  // namespace pinnace::net
