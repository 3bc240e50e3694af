// Channel is one non-blocking connection, with or without TLS, on one loop.
//
// Writes are collected (encrypted already) and leave with `flush`, one system call for all. Nothing
// is buffered while a connection is idle.
// Threads: the loop's. Lifetime: the owner outlives it or is replaced; an owner may destroy the
//   channel in any of its callbacks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "io/fd.h"
#include "net/http.h"
#include "net/internal/openssl.h"

namespace pinnace::io {
class Loop;
}

namespace pinnace::net::internal {

class ChannelOwner {
 public:
  virtual ~ChannelOwner() = default;
  virtual void on_connected() = 0;  // Connected and, with TLS, shaken hands. Then reading starts.
  virtual void on_readable() = 0;
  virtual void on_drained() = 0;  // All that was written is sent, some time after `flush`.
  virtual void on_broken() = 0;   // Nothing works any more; `error` may say why.
};

class Channel {
 public:
  enum class State { kOk, kWouldBlock, kEnd, kBroken };
  struct Read {
    std::size_t bytes = 0;
    State state = State::kOk;
    bool more = false;  // There may be more at once.
  };

  Channel(io::Loop& loop, io::UniqueFd fd, Ssl ssl, ChannelOwner& owner);
  ~Channel();  // Closes; `on_destroyed` is called.
  Channel(const Channel&) = delete;

  // The socket is connected or connecting. `on_connected` comes from the loop, never from here.
  void start(bool connecting);
  void set_owner(ChannelOwner& owner) { owner_ = &owner; }
  std::function<void()> on_destroyed;

  Read read(std::span<char> buffer);
  void want_read(bool wanted);
  bool wants_read() const { return want_read_; }

  void write(std::string_view bytes);  // Takes a copy; leaves with `flush`.
  void flush();
  std::size_t unsent() const { return out_.size() - out_start_; }
  // When `unsent` is not zero: the last time that the peer took something.
  MonotonicTime last_progress() const { return last_progress_; }

  void end_writing();  // Says that no more will come, once all is sent.
  bool writing_ended() const { return ended_; }
  void abort();  // The peer must see a reset, not an end.
  // For a loop that is going to die: lets go of it, telling the owner.
  void detach();

  bool is_http2() const;  // As ALPN chose.
  const std::string& error() const { return error_; }
  SSL* ssl() const { return ssl_.get(); }
  io::Loop& loop() const { return *loop_; }

 private:
  enum class Phase { kConnecting, kHandshaking, kOpen, kBroken };
  static const BIO_METHOD* bio_method();
  static int bio_read(BIO* bio, char* to, int size);
  static int bio_write(BIO* bio, const char* from, int size);
  static long bio_control(BIO* bio, int command, long number, void* pointer);
  void on_events(std::uint32_t events);
  void handshake();
  void opened();
  void fail(std::string why);
  // True if something had to wait before and nothing has now.
  bool send_waiting();
  void update_interest();
  void finish_end();

  io::Loop* loop_;
  io::UniqueFd fd_;
  Ssl ssl_;
  ChannelOwner* owner_;
  Phase phase_ = Phase::kOpen;
  std::string out_;
  std::size_t out_start_ = 0;
  MonotonicTime last_progress_;
  std::uint32_t interest_ = 0;
  bool want_read_ = true;
  bool registered_ = false, parked_ = false;
  bool ending_ = false, ended_ = false;
  bool resume_posted_ = false;
  bool blocked_ = false;  // The last attempt to send left something.
  std::string error_;
  std::shared_ptr<char> alive_ = std::make_shared<char>();
};

// One buffer of 64 KiB per thread for what is read, and one for bodies being made.
std::span<char> read_scratch();
std::span<char> body_scratch();

// A Stream over a channel, beginning with bytes that were read too far.
std::unique_ptr<Stream> make_socket_stream(std::unique_ptr<Channel> channel, std::string first);

}  // namespace pinnace::net::internal
