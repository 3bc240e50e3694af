#include "net/pipe.h"

#include <gtest/gtest.h>

#include "net/http_client.h"
#include "net/testing_server.h"
#include "net/testing_streams.h"

namespace pinnace::net {
namespace {

using testing::make_stream_pair;
using testing::Sink;
using testing::StreamPair;
using testing::TestLoop;

struct PipeTest : ::testing::Test {
  void join(Duration idle_limit = kStreamIdleLimit) {
    loop.run([&] {
      auto first = make_stream_pair(loop.loop()), second = make_stream_pair(loop.loop());
      join_streams(std::move(first.b), std::move(second.a), idle_limit);
      left = std::move(first.a);
      right = std::move(second.b);
      left->start(at_left.events());
      right->start(at_right.events());
    });
  }
  void TearDown() override {
    loop.run([this] { left.reset(); });
    if (!right) return;
    EXPECT_TRUE(loop.wait([this] { return at_right.ended || at_right.closed; }));
    loop.run([this] { right.reset(); });
    for (int i = 0; i < 100; ++i) loop.run([] {});  // The pair in between ends, too.
  }
  TestLoop loop;
  std::unique_ptr<Stream> left, right;
  Sink at_left, at_right;
};

TEST_F(PipeTest, CarriesBytesAndEndsOfEachDirection) {
  join();
  loop.run([&] {
    left->write("question");
    left->end();
  });
  EXPECT_TRUE(loop.wait([&] { return at_right.got == "question" && at_right.ended; }));
  EXPECT_FALSE(at_left.ended);
  loop.run([&] {
    right->write("answer");
    right->end();
  });
  EXPECT_TRUE(
      loop.wait([&] { return at_left.got == "answer" && at_left.closed && at_right.closed; }));
}

TEST_F(PipeTest, DeliversWhatASideSentBeforeItVanished) {
  join();
  const std::string block(4 << 20, 'x');
  loop.run([&] { left->write(block); });
  EXPECT_TRUE(loop.wait([&] { return left->unsent_bytes() == 0; }));
  loop.run([&] { left.reset(); });
  EXPECT_TRUE(loop.wait([&] { return at_right.got.size() == block.size() && at_right.ended; }));
}

TEST_F(PipeTest, ASlowSideHoldsBackTheOther) {
  join();
  loop.run([&] {
    right->pause_reading(true);
    left->write(std::string(8 << 20, 'x'));
  });
  for (int i = 0; i < 100; ++i) loop.run([] {});
  loop.run([&] {
    EXPECT_GT(left->unsent_bytes(), 4u << 20);
    right->pause_reading(false);
  });
  EXPECT_TRUE(loop.wait([&] { return at_right.got.size() == 8u << 20; }));
}

// Joins every upgrade with a new connection to the echo of another server.
class Tunnel : public Handler {
 public:
  explicit Tunnel(Endpoint echo) : echo_(std::move(echo)) {}
  void handle(Request, std::shared_ptr<Exchange> exchange) override {
    ClientOptions options;
    options.endpoint = echo_;
    client_ = HttpClient::create(exchange->loop(), options);
    ClientRequest request;
    request.target = "/upgrade";
    call_ =
        client_->send(request, {.on_upgrade = [this, exchange](const ResponseHead& head,
                                                               std::unique_ptr<Stream> upstream) {
                        join_streams(exchange->upgrade(head.headers), std::move(upstream));
                        exchange->post([this] {  // While the loop is there.
                          call_.reset();
                          client_.reset();
                        });
                      }});
  }

 private:
  const Endpoint echo_;
  std::unique_ptr<HttpClient> client_;
  std::unique_ptr<Call> call_;
};

// Reading and writing block each other's sockets again and again here: no wake-up may get lost.
TEST_F(PipeTest, CarriesMuchBothWaysAtOnceOverTls) {
  constexpr std::size_t kBytes = 48 << 20, kPiece = 64 << 10;
  testing::TestHandler echo;
  auto echo_server = testing::start_server(echo);
  Tunnel tunnel({.host = "127.0.0.1", .port = echo_server->port()});
  ServerOptions options;
  options.handler = &tunnel;
  options.threads = 1;
  options.tls = testing::test_tls();
  auto server = Server::create(std::move(options)).value();
  ClientOptions to_server;
  to_server.endpoint = {.host = "127.0.0.1", .port = server->port()};
  to_server.endpoint.tls =
      TlsClientContext::create({.ca_pem = testing::test_certificates().authority.certificate_pem})
          .value();
  std::unique_ptr<HttpClient> client;
  std::unique_ptr<Call> call;
  std::size_t sent = 0, got = 0;
  const auto send_more = [&] {
    while (sent < kBytes && left->unsent_bytes() < 4 * kPiece) {
      left->write(std::string(kPiece, 'x'));
      sent += kPiece;
    }
  };
  loop.run([&] {
    client = HttpClient::create(loop.loop(), to_server);
    call = client->send(
        {.target = "/"}, {.on_upgrade = [&](const ResponseHead&, std::unique_ptr<Stream> stream) {
          left = std::move(stream);
          left->start({.on_data = [&](std::string_view bytes) { got += bytes.size(); },
                       .on_drained = send_more});
          send_more();
        }});
  });
  EXPECT_TRUE(loop.wait([&] { return got == kBytes; }));
  loop.run([&] {
    left.reset();
    call.reset();
    client.reset();
  });
  server.reset();
  echo_server.reset();
}

TEST_F(PipeTest, EndsWhenNothingMoves) {
  join(std::chrono::milliseconds(1));
  EXPECT_TRUE(loop.wait([&] { return at_left.ended && at_right.ended; }));
}

}  // namespace
}  // namespace pinnace::net
