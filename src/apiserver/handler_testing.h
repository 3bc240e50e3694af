// What tests of handlers share: a Backend over an empty store and a stopped clock, and an exchange
// that keeps the answer.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"
#include "base/rng.h"
#include "io/sim_executor.h"
#include "store/embedded.h"

namespace pinnace::apiserver::testing {

class KeptAnswer : public net::Exchange {
 public:
  void respond(int code, net::Headers with, std::shared_ptr<const std::string> text) override {
    status = code;
    headers = std::move(with);
    if (text) body = *text;
  }
  void stream(int code, net::Headers with, std::unique_ptr<net::Body> source) override {
    status = code;
    headers = std::move(with);
    // A small buffer, so that every piece is cut somewhere.
    char buffer[61];
    for (;;) {
      const auto read = source->read(buffer);
      body.append(buffer, read.bytes);
      if (read.state == net::Body::State::kMore) continue;
      EXPECT_EQ(read.state, net::Body::State::kEnd);
      return;
    }
  }
  void wake() override {}
  std::unique_ptr<net::Stream> upgrade(net::Headers) override { return nullptr; }
  void on_cancel(std::function<void()>) override {}
  io::Loop& loop() override { std::abort(); }
  void post(std::function<void()> work) override { work(); }

  int status = 0;
  net::Headers headers;
  std::string body;
};

class HandlerTest : public ::testing::Test {
 protected:
  HandlerTest() { backend_->aggregator = Aggregator::create(backend_); }

  // A GET of `path`, with what follows '?' in `query`.
  CallRef call(std::string path, std::string_view accept = "", std::string_view query = "") {
    answer_ = std::make_shared<KeptAnswer>();
    auto made = std::make_shared<Call>();
    made->exchange = answer_;
    made->request.method = "GET";
    if (!accept.empty()) made->request.headers.add("accept", accept);
    made->query = Query::parse(query).value();
    made->info = parse_request_info("GET", path, made->query).value();
    return made;
  }
  const KeptAnswer& answer() const { return *answer_; }

  io::SimExecutor executor_;
  std::unique_ptr<store::EmbeddedStore> store_ = store::EmbeddedStore::create_in_memory({});
  std::unique_ptr<Rng> rng_ = seeded_rng(1);
  metrics::Registry metrics_;
  BackendRef backend_ =
      std::make_shared<Backend>(Options{*store_, executor_, executor_, *rng_, metrics_});
  std::shared_ptr<KeptAnswer> answer_;
};

}  // namespace pinnace::apiserver::testing
