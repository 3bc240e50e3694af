// What the tests of the API server share: a server in memory whose time is the test's, and a client
// that calls it as any user.
//
// Threads: one; the store writes on the caller's thread, so that every answer is there on return.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/json.h"
#include "apiserver/server.h"
#include "base/assert.h"
#include "base/strings.h"
#include "io/sim_executor.h"
#include "net/http.h"
#include "store/embedded.h"
#include "store/memory_journal.h"

namespace pinnace::apiserver::testing {

// An answer; for a stream, what has come so far.
class Answer : public net::Exchange, public std::enable_shared_from_this<Answer> {
 public:
  int status = 0;
  net::Headers headers;
  std::string body;
  bool ended = false;

  void respond(int code, net::Headers with, std::shared_ptr<const std::string> text) override {
    PINNACE_ASSERT(status == 0);
    status = code;
    headers = std::move(with);
    body = *text;
    ended = true;
  }
  void stream(int code, net::Headers with, std::unique_ptr<net::Body> from) override {
    PINNACE_ASSERT(status == 0);
    status = code;
    headers = std::move(with);
    source_ = std::move(from);
    pull();
  }
  void wake() override { wants_pull_ = true; }
  std::unique_ptr<net::Stream> upgrade(net::Headers) override {
    status = 400;
    return nullptr;
  }
  void on_cancel(std::function<void()>) override {}
  io::Loop& loop() override { std::abort(); }
  void post(std::function<void()> work) override { work(); }

  // Takes what a stream has now.
  void pull() {
    wants_pull_ = false;
    while (source_) {
      char buffer[512];
      const auto read = source_->read(buffer);
      body.append(buffer, read.bytes);
      if (read.state == net::Body::State::kMore) continue;
      if (read.state == net::Body::State::kWaiting) return;
      ended = true;
      source_.reset();
    }
  }
  bool is_woken() const { return wants_pull_; }
  // The peer goes away.
  void close() { source_.reset(); }

  // The body as JSON; null when it is none.
  const api::Value& json() {
    if (!parsed_) {
      auto value = api::parse_json(arena_, body);
      json_ = value ? *value : api::Value();
      parsed_ = true;
    }
    return json_;
  }
  // A text at a path of members and numbers: at("metadata", "name"); "" where there is none.
  template <typename... Path>
  std::string at(Path... path) {
    const api::Value* value = json().find_path({std::string_view(path)...});
    if (value == nullptr) return "";
    return value->is_string() ? std::string(value->as_string()) : api::to_json_text(*value);
  }
  std::string message() { return at("message"); }
  std::string reason() { return at("reason"); }

 private:
  std::unique_ptr<net::Body> source_;
  bool wants_pull_ = false, parsed_ = false;
  api::Arena arena_;
  api::Value json_;
};
using AnswerRef = std::shared_ptr<Answer>;

// One that another thread gives.
class AwaitedAnswer final : public Answer {
 public:
  void respond(int code, net::Headers with, std::shared_ptr<const std::string> text) override {
    Answer::respond(code, std::move(with), std::move(text));
    given_.set_value();
  }
  void stream(int code, net::Headers with, std::unique_ptr<net::Body> from) override {
    Answer::stream(code, std::move(with), std::move(from));
    given_.set_value();
  }
  void wait() { given_.get_future().wait(); }

 private:
  std::promise<void> given_;
};

struct Caller {
  std::string user = "admin";
  std::vector<std::string> groups = {"system:masters"};
};

// A request of somebody whom a client certificate names.
inline net::Request request_of(const Caller& who, std::string_view method,
                               std::string_view target) {
  net::Request request;
  request.method = method;
  request.target = target;
  const auto mark = target.find('?');
  request.path = target.substr(0, mark);
  if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
  request.peer.certificate_common_name = who.user;
  request.peer.certificate_organizations = who.groups;
  return request;
}

class TestServer {
 public:
  explicit TestServer(bool with_bootstrap = true) : TestServer(with_bootstrap, nullptr) {}
  // Over a disk that outlives it.
  TestServer(bool with_bootstrap, std::shared_ptr<store::MemoryDisk> disk)
      : rng_(seeded_rng(1)), with_bootstrap_(with_bootstrap) {
    store::EmbeddedStore::Options options;
    options.inline_writer = true;
    options.ring_events = 256;
    if (!disk) disk = std::make_shared<store::MemoryDisk>();
    auto store =
        store::EmbeddedStore::create(options, std::make_unique<store::MemoryJournal>(disk));
    PINNACE_ASSERT(store.has_value());
    store_ = std::move(*store);
  }

  // A stream that a test left open holds on to itself.
  ~TestServer() {
    for (const auto& each : answers_) {
      if (const auto answer = each.lock()) answer->close();
    }
  }

  // Made at the first call, so that a test may change `options` before.
  Server& server() {
    if (server_) return *server_;
    Options options{*store_, executor_, executor_, *rng_, metrics_};
    options.bootstrap = with_bootstrap_;
    options.service_account_key_pem = key_pem;
    options.service_cidr = service_cidr;
    options.node_port_first = node_port_first;
    options.node_port_last = node_port_last;
    options.configuration = configuration;
    options.webhooks = webhooks;
    options.configuration.tokens["secret-token"] = {"token-user", "", {}};
    auto made = Server::create(std::move(options));
    PINNACE_ASSERT(made.has_value());
    server_ = std::move(*made);
    return *server_;
  }

  AnswerRef call(net::Request request) {
    auto answer = std::make_shared<Answer>();
    answers_.push_back(answer);
    server().handle(std::move(request), answer);
    return answer;
  }
  AnswerRef call(std::string_view method, std::string_view target, std::string_view body = {},
                 std::string_view content_type = "application/json") {
    return call_as(caller, method, target, body, content_type);
  }
  // As `caller` would send it.
  net::Request request(std::string_view method, std::string_view target) const {
    return request_of(caller, method, target);
  }
  AnswerRef call_as(const Caller& who, std::string_view method, std::string_view target,
                    std::string_view body = {},
                    std::string_view content_type = "application/json") {
    net::Request request = request_of(who, method, target);
    request.body = body;
    if (!body.empty()) request.headers.set("content-type", content_type);
    return call(std::move(request));
  }
  AnswerRef get(std::string_view target) { return call("GET", target); }
  AnswerRef post(std::string_view target, std::string_view body) {
    return call("POST", target, body);
  }
  AnswerRef put(std::string_view target, std::string_view body) {
    return call("PUT", target, body);
  }
  AnswerRef remove(std::string_view target, std::string_view body = {}) {
    return call("DELETE", target, body);
  }
  AnswerRef merge(std::string_view target, std::string_view patch) {
    return call("PATCH", target, patch, "application/merge-patch+json");
  }

  // What a namespace's pods run as.
  void make_service_account(const std::string& ns) {
    const auto made =
        post("/api/v1/namespaces/" + ns + "/serviceaccounts", R"({"metadata":{"name":"default"}})");
    PINNACE_ASSERT(made->status == 201);
  }

  Caller caller;
  std::string key_pem;
  Configuration configuration;
  std::string service_cidr = "10.96.0.0/24";
  WebhookClient* webhooks = nullptr;
  int node_port_first = 30000, node_port_last = 30010;
  io::SimExecutor& executor() { return executor_; }
  store::EmbeddedStore& store() { return *store_; }
  metrics::Registry& metrics() { return metrics_; }

 private:
  std::vector<std::weak_ptr<Answer>> answers_;
  io::SimExecutor executor_;
  std::unique_ptr<Rng> rng_;
  metrics::Registry metrics_;
  std::unique_ptr<store::EmbeddedStore> store_;
  bool with_bootstrap_;
  std::unique_ptr<Server> server_;
};

}  // namespace pinnace::apiserver::testing
