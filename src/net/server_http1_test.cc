#include <gtest/gtest.h>

#include <thread>

#include "io/testing_directory.h"
#include "net/testing_server.h"

namespace pinnace::net {
namespace {

using namespace testing;  // NOLINT: test helpers.

std::string get(std::string_view path, std::string_view more = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: x\r\n" + std::string(more) + "\r\n";
}

class Http1Server : public ::testing::Test {
 protected:
  TestHandler handler_;
  std::unique_ptr<Server> server_ = start_server(handler_);
};

TEST_F(Http1Server, AnswersPipelinedRequestsInOrder) {
  RawClient client(server_->port());
  client.send(get("/hello") + get("/thread") + get("/head?a=b", "X-A: 1\r\n") +
              get("/nowhere", "Connection: close\r\n"));
  const std::string& got = client.read_all();
  auto hello = got.find("hello"), late = got.find("late"), head = got.find("GET /head?a=b 1");
  auto none = got.find("404 Not Found");
  EXPECT_LT(hello, late);
  EXPECT_LT(late, head);
  EXPECT_LT(head, none);
  EXPECT_NE(none, std::string::npos);
  EXPECT_NE(got.find("connection: close"), std::string::npos);
}

TEST_F(Http1Server, TakesBodiesOfBothFramings) {
  RawClient client(server_->port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nfirstPOST /echo HTTP/1.1\r\n"
      "Host: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nsec\r\n3\r\nond\r\n0\r\nT: 1\r\n\r\n");
  client.read_until("second");
  EXPECT_NE(client.got.find("first"), std::string::npos);
  EXPECT_NE(client.got.find("second"), std::string::npos);
  client.send(get("/hello"));
  client.read_until("hello");
}

TEST_F(Http1Server, AsksForABodyThatWaitsForContinue) {
  RawClient client(server_->port());
  client.send(
      "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  client.read_until("100 Continue\r\n\r\n");
  client.send("ok");
  EXPECT_NE(client.read_until("\r\n\r\nok").find("200 OK"), std::string::npos);
}

TEST_F(Http1Server, RefusesWhatCouldBeReadInTwoWays) {
  const std::string line = "POST /echo HTTP/1.1\r\nHost: x\r\n";
  const std::string bad[] = {
      line + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      line + "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
      line + "Content-Length: +5\r\n\r\nhello",
      line + "Content-Length: 5, 5\r\n\r\nhello",
      line + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      line + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
      line + "X: a\r\n b\r\n\r\n",
      line + "X: a\nY: b\r\n\r\n",
      line + "X: a\rY: b\r\n\r\n",
      line + "Host: y\r\n\r\n",
      line + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
      line + "Transfer-Encoding: chunked\r\n\r\n-1\r\n",
      line + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
      line + "Transfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
      "GET /hello HTTP/1.1\r\n\r\n",
      "GET  /hello HTTP/1.1\r\nHost: x\r\n\r\n",
      "GET hello HTTP/1.1\r\nHost: x\r\n\r\n",
      "G(T /hello HTTP/1.1\r\nHost: x\r\n\r\n",
      std::string("GET /hel\0lo HTTP/1.1\r\nHost: x\r\n\r\n", 33),
  };
  for (const std::string& text : bad) {
    RawClient client(server_->port());
    client.send(text + get("/hello"));
    const std::string& got = client.read_all();
    EXPECT_TRUE(got.starts_with("HTTP/1.1 400 ")) << text << "\n" << got;
    EXPECT_EQ(got.find("HTTP/1.1 200"), std::string::npos) << text;
  }
}

TEST_F(Http1Server, BoundsHeadersAndBodies) {
  RawClient head(server_->port());
  head.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(100 << 10, 'x'));
  EXPECT_TRUE(head.read_all().starts_with("HTTP/1.1 431 "));
  RawClient body(server_->port());
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n");
  body.send(std::string(1 << 20, 'x'));
  EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 413 "));
  RawClient chunked(server_->port());
  chunked.send("POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n400000\r\n");
  chunked.send(std::string(4 << 20, 'x'));
  EXPECT_TRUE(chunked.read_all().starts_with("HTTP/1.1 413 "));
}

TEST_F(Http1Server, SendsLargeBodiesToSlowReaders) {
  RawClient whole(server_->port());
  whole.send(get("/large", "Connection: close\r\n"));
  std::this_thread::sleep_for(
      std::chrono::milliseconds(50));  // Lets the server meet a full socket.
  EXPECT_GT(whole.read_all().size(), 20u << 20);
  RawClient streamed(server_->port());
  streamed.send("GET /stream?5000000 HTTP/1.0\r\n\r\n");
  const std::string& got = streamed.read_all();
  std::string body = got.substr(got.find("\r\n\r\n") + 4);
  ASSERT_EQ(body.size(), 5'000'000u);
  bool right = true;
  for (std::size_t i = 0; i < body.size(); ++i)
    right = right && body[i] == static_cast<char>('a' + i % 26);
  EXPECT_TRUE(right);
}

TEST_F(Http1Server, SendsNoBodyToHead) {
  RawClient client(server_->port());
  client.send(
      "HEAD /hello HTTP/1.1\r\nHost: x\r\n\r\nHEAD /stream?100 HTTP/1.1\r\nHost: x\r\n"
      "Connection: close\r\n\r\n");
  const std::string& got = client.read_all();
  EXPECT_NE(got.find("content-length: 5"), std::string::npos);
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
  EXPECT_EQ(got.find("hello"), std::string::npos);
}

TEST_F(Http1Server, DeliversEachPieceOfAWatchAtOnce) {
  auto feed = handler_.add_feed("/watch");
  RawClient client(server_->port());
  client.send(get("/watch"));
  feed->opened.get_future().get();
  for (int i = 0; i < 20; ++i) {
    std::string line = "event " + std::to_string(i) + "\n";
    feed->push(line);
    ASSERT_NE(client.read_until(line).find(line), std::string::npos);
  }
  feed->push("last", true);
  client.read_until("0\r\n\r\n");
  client.send(get("/hello"));  // The connection goes on.
  EXPECT_NE(client.read_until("hello").find("hello"), std::string::npos);
}

TEST_F(Http1Server, LetsGoOfAWatchWhosePeerLeft) {
  auto feed = handler_.add_feed("/watch");
  RawClient client(server_->port());
  client.send(get("/watch"));
  feed->opened.get_future().get();
  client.close();
  feed->gone.get_future().get();
  feed->exchange->wake();
}

TEST_F(Http1Server, CutsABodyThatFailed) {
  auto feed = handler_.add_feed("/watch");
  RawClient client(server_->port());
  client.send(get("/watch"));
  feed->opened.get_future().get();
  feed->push("half", false, true);
  EXPECT_EQ(client.read_all().find("0\r\n\r\n"), std::string::npos);
  EXPECT_TRUE(client.reset);
}

TEST_F(Http1Server, TellsAHandlerThatItsPeerLeft) {
  RawClient client(server_->port());
  client.send(get("/hold"));
  handler_.holding.get_future().get();
  client.close();
  handler_.cancelled.get_future().get();
  handler_.held->respond(200, {}, std::string("too late"));
}

TEST_F(Http1Server, AnswersForAHandlerThatDoesNot) {
  RawClient client(server_->port());
  client.send(get("/drop", "Connection: close\r\n"));
  EXPECT_TRUE(client.read_all().starts_with("HTTP/1.1 500 "));
}

TEST_F(Http1Server, HandsOverAnUpgradedConnection) {
  {
    RawClient client(server_->port());
    client.send(get("/upgrade", "Connection: Upgrade\r\nUpgrade: echo\r\n") + "early");
    EXPECT_TRUE(client.read_until("early").starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
    std::string large(3 << 20, 'y');
    std::thread writer([&] {
      client.send(large);
      client.end();
    });
    client.read_all();
    writer.join();
    EXPECT_TRUE(client.got.ends_with(large));
  }
  server_.reset();  // The stream may outlive the server.
  handler_.upgraded->write("nobody");
  handler_.upgraded.reset();
}

TEST_F(Http1Server, ServesManyConnections) {
  std::vector<std::unique_ptr<RawClient>> clients;
  for (int i = 0; i < 300; ++i) clients.push_back(std::make_unique<RawClient>(server_->port()));
  for (auto& client : clients) client->send(get("/thread"));
  for (auto& client : clients)
    EXPECT_NE(client->read_until("late").find("late"), std::string::npos);
  EXPECT_EQ(server_->connections(), 300u);
}

TEST(Server, ClosesConnectionsOverItsBound) {
  TestHandler handler;
  auto server = start_server(handler, false, [](ServerOptions& o) { o.max_connections = 1; });
  RawClient first(server->port());
  first.send(get("/hello"));
  first.read_until("hello");
  RawClient second(server->port());
  EXPECT_EQ(second.read_all(), "");
}

TEST(Server, CutsWhoIsTooSlowToAsk) {
  TestHandler handler;
  auto server = start_server(handler, false, [](ServerOptions& o) {
    o.request_timeout = std::chrono::milliseconds(20);
    o.idle_timeout = std::chrono::milliseconds(20);
  });
  RawClient idle(server->port()), head(server->port()), body(server->port());
  head.send("GET / HT");
  body.send("POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhe");
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_EQ(head.read_all(), "");
  EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 408 "));
}

TEST(Server, MakesItsErrorsAsItIsTold) {
  TestHandler handler;
  auto server = start_server(handler, false, [](ServerOptions& o) {
    o.error_body = [](int status, std::string_view) {
      return ErrorBody{"application/json", "{\"code\":" + std::to_string(status) + "}"};
    };
  });
  RawClient client(server->port());
  client.send("nonsense\r\n\r\n");
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\n{\"code\":400}"));
}

TEST(Server, WaitsForRequestsWhenItStops) {
  TestHandler handler;
  auto server = start_server(handler);
  RawClient idle(server->port()), busy(server->port());
  idle.send(get("/hello"));
  idle.read_until("hello");
  busy.send(get("/hold"));
  handler.holding.get_future().get();
  std::thread answer([&] {
    idle.read_all();  // Closed first: it had nothing under way.
    handler.held->respond(200, {}, std::string("done"));
  });
  server->stop(std::chrono::seconds(20));
  answer.join();
  EXPECT_TRUE(busy.read_all().ends_with("done"));
}

TEST(Server, ListensOnAUnixSocketAndRefusesATakenPort) {
  TestHandler handler;
  auto server = start_server(handler);
  ServerOptions options;
  options.handler = &handler;
  options.port = server->port();
  EXPECT_FALSE(Server::create(options));
  const io::testing::ScratchDirectory directory;
  options.unix_path = directory.path("socket");
  auto on_path = Server::create(options);
  EXPECT_TRUE(on_path);
}

}  // namespace
}  // namespace pinnace::net
