#include <gtest/gtest.h>

#include "net/testing_streams.h"

namespace pinnace::net {
namespace {

// The last bytes may leave by a write, or by a read of TLS, instead of when the loop sees that the
// socket takes more; whoever waits for that must hear of it all the same.
TEST(SocketStream, SaysThatAllIsSentHoweverItWas) {
  testing::TestLoop loop;
  std::unique_ptr<Stream> stream;
  int drained = 0, fds[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
  const io::UniqueFd peer(fds[1]);
  loop.run([&] {
    stream = testing::make_stream(loop.loop(), fds[0]);
    stream->start({.on_drained = [&] { ++drained; }});
    stream->write(std::string(2 << 20, 'x'));
    EXPECT_GT(stream->unsent_bytes(), 0u);
    // All in one turn of the loop, which so never sees a writable socket.
    std::string buffer(64 << 10, '\0');
    while (stream->unsent_bytes() > 0) {
      while (recv(peer.get(), buffer.data(), buffer.size(), 0) > 0) {
      }
      stream->write("y");
    }
    EXPECT_EQ(drained, 0);
  });
  EXPECT_TRUE(loop.wait([&] { return drained == 1; }));
  loop.run([&] { stream.reset(); });
}

}  // namespace
}  // namespace pinnace::net
