#include "net/http_client.h"

#include <gtest/gtest.h>

#include <thread>

#include "io/loop.h"
#include "io/testing_directory.h"
#include "net/testing_server.h"

namespace pinnace::net {
namespace {

using namespace testing;  // NOLINT: test helpers.

ClientOptions plain(int port) {
  ClientOptions options;
  options.endpoint.host = "127.0.0.1";
  options.endpoint.port = port;
  return options;
}

ClientRequest get(std::string target) {
  ClientRequest request;
  request.target = std::move(target);
  return request;
}

TEST(BlockingClient, ReusesItsConnections) {
  TestHandler handler;
  auto server = start_server(handler);
  auto client = BlockingClient::create(plain(server->port()));
  for (int i = 0; i < 20; ++i) {
    auto response = client->send(get("/hello"));
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "hello");
  }
  EXPECT_EQ(server->connections(), 1u);
  ClientRequest echo;
  echo.method = "POST";
  echo.target = "/echo";
  echo.body = std::string(2 << 20, 'z');
  EXPECT_EQ(client->send(echo)->body, echo.body);
  EXPECT_EQ(client->send(get("/stream?1000000"))->body.size(), 1000000u);
  EXPECT_EQ(client->send(get("/nowhere"))->status, 404);
  EXPECT_EQ(client->send(get("/hold"), std::chrono::milliseconds(50)).error().code, 504);
  EXPECT_EQ(client->send(get("/large"), std::chrono::seconds(20), 1000).error().code, 413);
}

TEST(BlockingClient, ServesManyThreads) {
  TestHandler handler;
  auto server = start_server(handler, true);
  ClientOptions options = plain(server->port());
  options.endpoint.tls =
      TlsClientContext::create({.ca_pem = test_certificates().authority.certificate_pem,
                                .certificate_pem = test_certificates().client.certificate_pem,
                                .private_key_pem = test_certificates().client.private_key_pem,
                                .server_name = "",
                                .skip_verification = false})
          .value();
  auto client = BlockingClient::create(options);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        auto response = client->send(get(i % 2 == 0 ? "/who" : "/thread"));
        ASSERT_TRUE(response) << response.error().message;
        EXPECT_EQ(response->body, i % 2 == 0 ? "alice|a,b|" : "late");
      }
    });
  for (auto& thread : threads) thread.join();
}

TEST(BlockingClient, ReconnectsWhenTheServerRestarted) {
  TestHandler handler;
  auto server = start_server(handler);
  int port = server->port();
  auto client = BlockingClient::create(plain(port));
  EXPECT_TRUE(client->send(get("/hello")));
  server.reset();
  auto none = client->send(get("/hello"));
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, 503);
  server = start_server(handler, false, [&](ServerOptions& o) { o.port = port; });
  EXPECT_TRUE(client->send(get("/hello")));
}

TEST(BlockingClient, ChecksWhomItTalksTo) {
  TestHandler handler;
  auto server = start_server(handler, true);
  auto with = [&](ClientTlsOptions tls, std::string host) {
    ClientOptions options = plain(server->port());
    options.endpoint.host = std::move(host);
    options.endpoint.tls = TlsClientContext::create(tls).value();
    return BlockingClient::create(options)->send(get("/hello")).has_value();
  };
  ClientTlsOptions good, other, wrong_name, any;
  good.ca_pem = wrong_name.ca_pem = test_certificates().authority.certificate_pem;
  wrong_name.server_name = "elsewhere.example";
  other.ca_pem = test_certificates().stranger.certificate_pem;
  any.skip_verification = true;
  EXPECT_TRUE(with(good, "127.0.0.1"));
  EXPECT_TRUE(with(good, "localhost"));
  EXPECT_FALSE(with(other, "127.0.0.1"));
  EXPECT_FALSE(with(wrong_name, "127.0.0.1"));
  EXPECT_TRUE(with(any, "127.0.0.1"));
}

TEST(BlockingClient, SpeaksOverAUnixSocket) {
  TestHandler handler;
  const io::testing::ScratchDirectory directory;
  const std::string path = directory.path("socket");
  auto server = start_server(handler, false, [&](ServerOptions& o) { o.unix_path = path; });
  ClientOptions options;
  options.endpoint.host = "local";
  options.endpoint.unix_path = path;
  EXPECT_EQ(BlockingClient::create(options)->send(get("/hello"))->body, "hello");
}

TEST(HttpClient, HoldsTheServerBackWhilePaused) {
  TestHandler handler;
  auto server = start_server(handler);
  auto client = BlockingClient::create(plain(server->port()));
  std::promise<void> first, done;
  std::unique_ptr<Call> call;
  std::atomic<std::size_t> got = 0;
  client->loop().post([&] {
    Call::Events events;
    events.on_data = [&](std::string_view bytes) {
      if (got == 0) {
        call->pause_reading(true);
        first.set_value();
      }
      got += bytes.size();
    };
    events.on_done = [&](Result<void> result) {
      EXPECT_TRUE(result);
      done.set_value();
    };
    call = client->async().send(get("/large"), std::move(events));
  });
  first.get_future().get();
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_LE(got, 64u << 10);
  client->loop().post([&] { call->pause_reading(false); });
  done.get_future().get();
  EXPECT_EQ(got, 20u << 20);
  std::promise<void> cleaned;
  client->loop().post([&] {
    call.reset();
    cleaned.set_value();
  });
  cleaned.get_future().get();
}

TEST(HttpClient, HandsOverAnUpgradedConnectionAndCanBeCancelled) {
  TestHandler handler;
  auto server = start_server(handler);
  auto client = BlockingClient::create(plain(server->port()));
  std::promise<void> closed;
  std::unique_ptr<Call> call, cancelled;
  std::unique_ptr<Stream> stream;
  std::string got;
  client->loop().post([&] {
    cancelled = client->async().send(get("/hold"), {});
    ClientRequest request = get("/upgrade");
    request.headers.add("connection", "Upgrade");
    request.headers.add("upgrade", "echo");
    Call::Events events;
    events.on_upgrade = [&](const ResponseHead& head, std::unique_ptr<Stream> made) {
      EXPECT_EQ(head.headers.get("upgrade"), "echo");
      stream = std::move(made);
      stream->start({.on_data = [&](std::string_view bytes) { got += bytes; },
                     .on_end = {},
                     .on_drained = {},
                     .on_closed = [&] { closed.set_value(); }});
      stream->write("hello");
      stream->end();
    };
    call = client->async().send(std::move(request), std::move(events));
  });
  closed.get_future().get();
  EXPECT_EQ(got, "hello");
  handler.holding.get_future().get();
  client->loop().post([&] { cancelled.reset(); });
  handler.cancelled.get_future().get();
  std::promise<void> cleaned;
  client->loop().post([&] {
    stream.reset();
    call.reset();
    cleaned.set_value();
  });
  cleaned.get_future().get();
}

TEST(Url, IsTakenApart) {
  auto url = parse_url("https://[::1]:6443/base?x=1");
  ASSERT_TRUE(url);
  EXPECT_EQ(url->host, "::1");
  EXPECT_EQ(url->port, 6443);
  EXPECT_EQ(url->path, "/base?x=1");
  EXPECT_TRUE(url->tls);
  EXPECT_EQ(parse_url("http://a")->port, 80);
  for (const char* bad : {"", "a", "ftp://a", "http://", "http://a:0", "http://a:x", "http://[::1",
                          "http://u@h/", "http://a:70000"})
    EXPECT_FALSE(parse_url(bad)) << bad;
}

}  // namespace
}  // namespace pinnace::net
