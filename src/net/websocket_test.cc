#include "net/websocket.h"

#include <gtest/gtest.h>

#include "net/internal/websocket_frames.h"
#include "net/testing_streams.h"

namespace pinnace::net {
namespace {

using internal::WebSocketOpcode;
using internal::WebSocketParser;
using testing::make_stream_pair;
using testing::Sink;
using testing::TestLoop;

Request upgrade_request(std::string_view protocols) {
  Request request;
  request.method = "GET";
  request.headers.add("connection", "keep-alive, Upgrade");
  request.headers.add("upgrade", "websocket");
  request.headers.add("sec-websocket-version", "13");
  request.headers.add("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
  if (!protocols.empty()) request.headers.add("sec-websocket-protocol", protocols);
  return request;
}

TEST(WebSocketHandshake, AnswersWithTheKeyOfTheRfcAndTheFirstCommonProtocol) {
  const auto made = websocket_handshake(upgrade_request("x, v5.channel.k8s.io, v4.channel.k8s.io"),
                                        {"v4.channel.k8s.io", "v5.channel.k8s.io"});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->protocol, "v5.channel.k8s.io");
  EXPECT_EQ(made->headers.get("sec-websocket-accept"), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  EXPECT_EQ(made->headers.get("sec-websocket-protocol"), "v5.channel.k8s.io");
}

TEST(WebSocketHandshake, RefusesUnknownProtocolsAndMalformedRequests) {
  EXPECT_EQ(websocket_handshake(upgrade_request("other"), {"a"}).error().code, 403);
  EXPECT_TRUE(websocket_handshake(upgrade_request(""), {"a"}));
  auto request = upgrade_request("");
  request.headers.set("sec-websocket-key", "short");
  EXPECT_EQ(websocket_handshake(request, {}).error().code, 400);
  request = upgrade_request("");
  request.headers.set("sec-websocket-version", "8");
  EXPECT_EQ(websocket_handshake(request, {}).error().code, 400);
  request = upgrade_request("");
  request.method = "POST";
  EXPECT_FALSE(is_websocket_request(request));
}

std::string frame(WebSocketOpcode opcode, std::string_view payload, bool fin = true) {
  std::string out = internal::websocket_frame_head(opcode, payload.size(), nullptr);
  if (!fin) out[0] = static_cast<char>(out[0] & 0x7f);
  return out.append(payload);
}

TEST(WebSocketParser, JoinsFragmentsAroundControlFrames) {
  WebSocketParser parser(false, 100);
  parser.feed(frame(WebSocketOpcode::kText, "Hel", false) + frame(WebSocketOpcode::kPing, "p") +
              frame(WebSocketOpcode::kContinuation, "lo"));
  EXPECT_EQ(parser.next()->opcode, WebSocketOpcode::kPing);
  const auto message = parser.next();
  ASSERT_TRUE(message);
  EXPECT_EQ(message->payload, "Hello");
  EXPECT_EQ(message->opcode, WebSocketOpcode::kText);
  EXPECT_FALSE(parser.next());
  EXPECT_EQ(parser.failure(), 0);
}

TEST(WebSocketParser, ReadsEveryLengthByteByByte) {
  for (const std::size_t size : {0u, 125u, 126u, 65535u, 65536u}) {
    WebSocketParser parser(false, 1 << 20);
    std::optional<WebSocketParser::Message> message;
    for (const char c : frame(WebSocketOpcode::kBinary, std::string(size, 'x'))) {
      ASSERT_FALSE(message);
      parser.feed(std::string_view(&c, 1));
      message = parser.next();
    }
    ASSERT_TRUE(message);
    EXPECT_EQ(message->payload.size(), size);
  }
}

int failure_of(std::string_view bytes, bool masked = false) {
  WebSocketParser parser(masked, 100);
  parser.feed(bytes);
  while (parser.next()) {
  }
  return parser.failure();
}

TEST(WebSocketParser, NamesWhatIsWrongByItsCloseCode) {
  EXPECT_EQ(failure_of(frame(WebSocketOpcode::kText, "\xff")), 1007);
  EXPECT_EQ(failure_of(frame(WebSocketOpcode::kBinary, std::string(101, 'x'))), 1009);
  EXPECT_EQ(failure_of(frame(WebSocketOpcode::kBinary, std::string(60, 'x'), false) +
                       frame(WebSocketOpcode::kContinuation, std::string(60, 'x'))),
            1009);
  EXPECT_EQ(failure_of(frame(WebSocketOpcode::kContinuation, "x")), 1002);
  EXPECT_EQ(failure_of(frame(static_cast<WebSocketOpcode>(5), "x")), 1002);
  EXPECT_EQ(failure_of(frame(WebSocketOpcode::kPing, "x", false)), 1002);
  EXPECT_EQ(failure_of("\xc1\x01x"), 1002);                               // A reserved bit.
  EXPECT_EQ(failure_of(frame(WebSocketOpcode::kText, "x"), true), 1002);  // Not masked.
}

struct Peer {
  std::unique_ptr<WebSocket> socket;
  std::string got;
  std::optional<int> closed;

  void start(std::unique_ptr<Stream> stream, WebSocket::Role role, std::size_t max = 1 << 20) {
    socket = WebSocket::create(std::move(stream), role, max);
    socket->start({.on_message =
                       [this](bool text, std::string_view message) {
                         got += (text ? "t:" : "b:") + std::string(message) + "\n";
                       },
                   .on_drained = {},
                   .on_closed = [this](int code, std::string_view) { closed = code; }});
  }
};

struct WebSocketTest : ::testing::Test {
  void SetUp() override {
    loop.run([this] {
      auto pair = make_stream_pair(loop.loop());
      server.start(std::move(pair.a), WebSocket::Role::kServer, 1000);
      client.start(std::move(pair.b), WebSocket::Role::kClient);
    });
  }
  void TearDown() override {
    loop.run([this] {
      server.socket.reset();
      client.socket.reset();
    });
  }
  TestLoop loop;
  Peer server, client;
};

TEST_F(WebSocketTest, CarriesMessagesBothWaysAndClosesWithTheCode) {
  loop.run([this] {
    client.socket->send_text("hello");
    client.socket->ping("are you there");
    client.socket->send_binary(std::string_view("\0", 1), "data");
    server.socket->send_binary("answer");
  });
  EXPECT_TRUE(loop.wait([this] {
    return server.got == std::string("t:hello\nb:\0data\n", 16) && client.got == "b:answer\n";
  }));
  loop.run([this] { server.socket->close(1000, "done"); });
  EXPECT_TRUE(loop.wait([this] { return server.closed && client.closed; }));
  EXPECT_EQ(*client.closed, 1000);
  EXPECT_EQ(*server.closed, 1000);
}

TEST_F(WebSocketTest, EndsWith1009WhenAMessageIsTooLarge) {
  loop.run([this] { client.socket->send_binary(std::string(1001, 'x')); });
  EXPECT_TRUE(loop.wait([this] { return server.closed && client.closed; }));
  EXPECT_EQ(*client.closed, 1009);
  EXPECT_EQ(server.got, "");
}

TEST_F(WebSocketTest, HoldsMessagesWhileReadingIsPaused) {
  loop.run([this] {
    server.socket->pause_reading(true);
    for (int i = 0; i < 3; ++i) client.socket->send_text("m");
  });
  loop.run([this] { EXPECT_EQ(server.got, ""); });
  loop.run([this] { server.socket->pause_reading(false); });
  EXPECT_TRUE(loop.wait([this] { return server.got == "t:m\nt:m\nt:m\n"; }));
}

TEST_F(WebSocketTest, LeavesPingsUnansweredWhoseAnswersNobodyTakes) {
  loop.run([this] {
    client.socket->pause_reading(true);
    for (int i = 0; i < 20'000; ++i) client.socket->ping(std::string(125, 'p'));
    client.socket->send_text("last");
  });
  EXPECT_TRUE(loop.wait([this] { return server.got == "t:last\n"; }));
  loop.run([this] { EXPECT_LT(server.socket->unsent_bytes(), 2u << 20); });
}

TEST_F(WebSocketTest, SaysThatThePeerVanished) {
  loop.run([this] { client.socket.reset(); });
  EXPECT_TRUE(loop.wait([this] { return server.closed.has_value(); }));
  EXPECT_EQ(*server.closed, 1006);
}

TEST(WebSocketStream, CarriesBytesInBinaryMessages) {
  TestLoop loop;
  Peer client;
  Sink sink;
  std::unique_ptr<Stream> stream;
  loop.run([&] {
    auto pair = make_stream_pair(loop.loop());
    client.start(std::move(pair.b), WebSocket::Role::kClient);
    stream = stream_over(WebSocket::create(std::move(pair.a)));
    stream->start(sink.events());
    stream->write("up");
    client.socket->send_binary("down");
  });
  EXPECT_TRUE(loop.wait([&] { return client.got == "b:up\n" && sink.got == "down"; }));
  loop.run([&] { stream->end(); });
  EXPECT_TRUE(loop.wait([&] { return sink.closed && client.closed == 1000; }));
  loop.run([&] {
    stream.reset();
    client.socket.reset();
  });
}

}  // namespace
}  // namespace pinnace::net
