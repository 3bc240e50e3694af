// Parts that the tests of Streams share: both ends of a connection, on one loop.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <future>
#include <memory>
#include <string>

#include "io/fd.h"
#include "io/loop.h"
#include "net/internal/channel.h"

namespace pinnace::net::testing {

// A loop on a thread of its own, and a way to do things there and wait for them.
class TestLoop {
 public:
  io::Loop& loop() { return thread_.loop(); }

  template <typename Work>
  auto run(Work work) {
    std::packaged_task<decltype(work())()> task(std::move(work));
    auto done = task.get_future();
    thread_.loop().post([&task] { task(); });
    return done.get();
  }

  // Turns the loop until the condition holds there. False if it does not hold after 20 seconds.
  template <typename Condition>
  bool wait(Condition holds) {
    for (int i = 0; i < 20000; ++i) {
      if (run(holds)) return true;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    return false;
  }

 private:
  io::LoopThread thread_{"test-loop"};
};

struct StreamPair {
  std::unique_ptr<Stream> a, b;
};

// On the loop.
inline std::unique_ptr<Stream> make_stream(io::Loop& loop, int fd) {
  struct Nobody final : internal::ChannelOwner {
    void on_connected() override {}
    void on_readable() override {}
    void on_drained() override {}
    void on_broken() override {}
  };
  static Nobody nobody;
  auto channel =
      std::make_unique<internal::Channel>(loop, io::UniqueFd(fd), internal::Ssl(), nobody);
  channel->start(false);
  return internal::make_socket_stream(std::move(channel), {});
}

inline StreamPair make_stream_pair(io::Loop& loop) {
  int fds[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  return {make_stream(loop, fds[0]), make_stream(loop, fds[1])};
}

// A stream that keeps what it gets.
struct Sink {
  std::string got;
  bool ended = false, closed = false;
  Stream::Events events() {
    return {.on_data = [this](std::string_view bytes) { got.append(bytes); },
            .on_end = [this] { ended = true; },
            .on_drained = {},
            .on_closed = [this] { closed = true; }};
  }
};

}  // namespace pinnace::net::testing
