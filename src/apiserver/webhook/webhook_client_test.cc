#include "apiserver/webhook/webhook_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <future>
#include <mutex>
#include <vector>

#include "base/strings.h"
#include "io/files.h"
#include "net/testing_server.h"

namespace pinnace::apiserver {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// Answers 500 a few times, then 200.
class Unsteady final : public net::Handler {
 public:
  void handle(net::Request request, std::shared_ptr<net::Exchange> exchange) override {
    ++asked;
    last = request;
    exchange->respond(asked <= failures ? 500 : 200, {}, std::string("answer"));
  }
  int failures = 0;
  std::atomic<int> asked = 0;
  net::Request last;
};

std::unique_ptr<net::Server> serve(net::Handler& handler, bool tls) {
  net::ServerOptions options;
  options.handler = &handler;
  if (tls) options.tls = net::testing::test_tls();
  auto server = net::Server::create(std::move(options));
  EXPECT_TRUE(server) << server.error().message;
  return std::move(*server);
}

Result<WebhookAnswer> ask(WebhookClient& client, const WebhookTargetRef& target,
                          WebhookRequest request) {
  std::promise<Result<WebhookAnswer>> promise;
  client.send(target, std::move(request),
              [&](Result<WebhookAnswer> answer) { promise.set_value(std::move(answer)); });
  return promise.get_future().get();
}

WebhookTargetRef target_at(const std::string& url) {
  return WebhookTarget::create(
             {.url = url, .ca_pem = net::testing::test_certificates().authority.certificate_pem})
      .value();
}

std::string local_url(const net::Server& server, std::string_view path) {
  return "https://127.0.0.1:" + std::to_string(server.port()) + std::string(path);
}

TEST(WebhookClient, PostsOverTlsAndKeepsTheConnection) {
  net::testing::TestHandler handler;
  auto server = net::testing::start_server(handler, true);
  auto client = WebhookClient::create();
  const auto target = target_at(local_url(*server, "/echo?timeout=5s"));
  for (int i = 0; i < 5; ++i) {
    const auto answer = ask(*client, target, {.body = R"({"a":1})"});
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, R"({"a":1})");
  }
  EXPECT_EQ(server->connections(), 1u);
}

TEST(WebhookClient, ConnectsWhereItIsToldAndChecksTheName) {
  net::testing::TestHandler handler;
  auto server = net::testing::start_server(handler, true);
  auto client = WebhookClient::create();
  const auto dialled = [&](const std::string& url) {
    return ask(*client, target_at(url),
               {.body = "x", .dial_host = "127.0.0.1", .dial_port = server->port()});
  };
  EXPECT_EQ(dialled("https://localhost/echo")->body, "x");
  const auto wrong = dialled("https://hooks.default.svc:443/echo");
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().message, StartsWith("Post \"https://hooks.default.svc:443/echo\": "));
  EXPECT_THAT(wrong.error().message, HasSubstr("hostname mismatch"));
}

TEST(WebhookClient, EndsInTime) {
  net::testing::TestHandler handler;
  auto server = net::testing::start_server(handler, true);
  auto client = WebhookClient::create();
  const std::string url = local_url(*server, "/drop-never");
  handler.add_feed("/drop-never");
  const auto answer =
      ask(*client, target_at(url), {.body = "x", .timeout = std::chrono::milliseconds(50)});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().message, "Post \"" + url + "\": context deadline exceeded");
}

TEST(WebhookClient, SaysWhyNobodyAnswers) {
  auto client = WebhookClient::create();
  const auto answer = ask(*client, target_at("https://127.0.0.1:1/x"), {.body = "x"});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, 503);
  EXPECT_THAT(answer.error().message, StartsWith("Post \"https://127.0.0.1:1/x\": "));
}

TEST(WebhookClient, TriesAgainAsOftenAsAsked) {
  Unsteady handler;
  handler.failures = 1;
  auto server = serve(handler, false);
  auto client = WebhookClient::create();
  const auto target =
      WebhookTarget::create(
          {.url = "http://127.0.0.1:" + std::to_string(server->port()), .bearer_token = "abc"})
          .value();
  EXPECT_EQ(ask(*client, target, {.body = "x"})->status, 500);
  handler.failures = 2;
  EXPECT_EQ(ask(*client, target, {.body = "x", .attempts = 3})->status, 200);
  EXPECT_EQ(handler.asked, 3);
  EXPECT_EQ(handler.last.headers.get("authorization"), "Bearer abc");
  EXPECT_EQ(handler.last.path, "/");
}

// Never answers.
class Silent final : public net::Handler {
 public:
  void handle(net::Request, std::shared_ptr<net::Exchange> exchange) override {
    const std::lock_guard lock(mutex_);
    asked_.push_back(std::move(exchange));
  }
  std::size_t asked() {
    const std::lock_guard lock(mutex_);
    return asked_.size();
  }

 private:
  std::mutex mutex_;
  std::vector<std::shared_ptr<net::Exchange>> asked_;
};

TEST(WebhookClient, GivesEachAttemptItsOwnTime) {
  Silent handler;
  auto server = serve(handler, true);
  auto client = WebhookClient::create();
  const std::string url = local_url(*server, "/x");
  const auto answer =
      ask(*client, target_at(url),
          {.method = "GET", .body = "", .timeout = std::chrono::seconds(1), .attempts = 2});
  ASSERT_FALSE(answer);
  EXPECT_EQ(handler.asked(), 2u);
  EXPECT_EQ(answer.error().message, "Get \"" + url + "\": context deadline exceeded");
}

TEST(WebhookClient, ShowsTheTokenThatStandsInAFile) {
  const std::string file = ::testing::TempDir() + "/token_" + std::to_string(getpid());
  ASSERT_TRUE(io::write_file(file, "abc\n"));
  Unsteady handler;
  auto server = serve(handler, false);
  auto client = WebhookClient::create();
  const auto target =
      WebhookTarget::create(
          {.url = "http://127.0.0.1:" + std::to_string(server->port()), .token_file = file})
          .value();
  EXPECT_EQ(ask(*client, target, {.body = "x"})->status, 200);
  EXPECT_EQ(handler.last.headers.get("authorization"), "Bearer abc");
  std::filesystem::remove(file);
}

// One that does not answer leaves room for the others.
TEST(WebhookClient, BoundsTheCallsOfOneServer) {
  net::testing::TestHandler handler;
  auto quick = net::testing::start_server(handler, false);
  auto client = WebhookClient::create();
  // Nobody listens there: they wait to be asked again.
  const auto away = target_at("http://127.0.0.1:1/x");
  for (std::size_t i = 0; i < kMaxCallsOfTarget; ++i) {
    client->send(away, {.body = "x", .attempts = 100}, [](const Result<WebhookAnswer>&) {});
  }
  const auto refused = ask(*client, away, {.body = "x"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("too many calls under way"));
  EXPECT_EQ(ask(*client, target_at("http://127.0.0.1:" + std::to_string(quick->port()) + "/echo"),
                {.body = "x"})
                ->status,
            200);
}

TEST(WebhookClient, TellsThoseWhoWaitWhenItGoes) {
  net::testing::TestHandler handler;
  const auto feed = handler.add_feed("/wait");
  auto server = net::testing::start_server(handler, true);
  auto client = WebhookClient::create();
  std::promise<Result<WebhookAnswer>> promise;
  client->send(target_at(local_url(*server, "/wait")), {.body = "x"},
               [&](Result<WebhookAnswer> answer) { promise.set_value(std::move(answer)); });
  feed->opened.get_future().get();
  client.reset();
  const auto answer = promise.get_future().get();
  ASSERT_FALSE(answer);
  EXPECT_THAT(answer.error().message, HasSubstr("the server is shutting down"));
}

TEST(WebhookTarget, IsReadFromAKubeconfig) {
  const auto directory =
      std::filesystem::temp_directory_path() / ("webhook_target_" + std::to_string(getpid()));
  ASSERT_TRUE(io::make_directories(directory));
  const auto& certificates = net::testing::test_certificates();
  ASSERT_TRUE(io::write_file(directory / "ca.pem", certificates.authority.certificate_pem));
  ASSERT_TRUE(io::write_file(
      directory / "config",
      "apiVersion: v1\nkind: Config\ncurrent-context: webhook\nclusters:\n- name: far\n"
      "  cluster: {server: 'https://example.test:8443/authenticate', certificate-authority: "
      "ca.pem}\n"
      "users:\n- name: us\n  user: {username: joe, password: pw}\n"
      "contexts:\n- name: webhook\n  context: {cluster: far, user: us}\n"));
  const auto target = WebhookTarget::read_kubeconfig(directory / "config");
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ((*target)->url(), "https://example.test:8443/authenticate");
  EXPECT_EQ((*target)->parts().port, 8443);
  EXPECT_EQ((*target)->authorization(), "Basic " + base64_encode("joe:pw"));
  EXPECT_NE((*target)->tls(), nullptr);
  ASSERT_TRUE(io::write_file(directory / "config", "current-context: x\n"));
  EXPECT_EQ(WebhookTarget::read_kubeconfig(directory / "config").error().code, 400);
  EXPECT_FALSE(WebhookTarget::read_kubeconfig(directory / "none"));
  EXPECT_TRUE(io::remove_tree(directory));
}

}  // namespace
}  // namespace pinnace::apiserver
