#include <gtest/gtest.h>
#include <malloc.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "apiserver/handler_testing.h"
#include "apiserver/registry/registry.h"

namespace pinnace::apiserver {
namespace {

using namespace testing;

// Keeps the body of a stream, as a connection does.
class OpenAnswer final : public KeptAnswer {
 public:
  void stream(int code, net::Headers, std::unique_ptr<net::Body> source) override {
    status = code;
    open = std::move(source);
  }
  std::unique_ptr<net::Body> open;
};

class WatchTest : public HandlerTest {
 protected:
  // Opens a watch of ConfigMaps and gives what is left of its call.
  std::weak_ptr<Call> watch(std::string_view query) {
    CallRef made = call("/api/v1/namespaces/x/configmaps", "", query);
    made->exchange = exchange_;
    made->resource = backend_->catalog.find_resource("", "v1", "configmaps", made->catalog);
    made->storage = made->resource;
    watch_objects(backend_, made);
    return made;
  }
  void TearDown() override { exchange_->open.reset(); }

  std::shared_ptr<OpenAnswer> exchange_ = std::make_shared<OpenAnswer>();
};

TEST_F(WatchTest, AtRestItLetsGoOfTheRequestThatAskedForIt) {
  const auto asked = watch("watch=true&labelSelector=app");
  ASSERT_EQ(exchange_->status, 200);
  char buffer[64];
  EXPECT_EQ(exchange_->open->read(buffer).state, net::Body::State::kWaiting);
  EXPECT_TRUE(asked.expired());
}

TEST_F(WatchTest, ItHoldsTheExchangeThatWakesIt) {
  watch("watch=true");
  char buffer[64];
  EXPECT_EQ(exchange_->open->read(buffer).state, net::Body::State::kWaiting);
  EXPECT_GT(exchange_.use_count(), 1);
}

// What the heap has handed out; nothing where a sanitizer has a heap of its own.
std::size_t used_bytes() { return mallinfo2().uordblks; }

TEST_F(WatchTest, AtRestItKeepsNothingOfTheObjectsThatItBeganWith) {
  constexpr std::size_t kObjects = 2000, kWatches = 50;
  for (std::size_t i = 0; i < kObjects; ++i) {
    const std::string name = "n" + std::to_string(i);
    const std::string head = R"({"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":")" +
                             name + R"(","namespace":"x",)";
    store::Write write{.type = store::Write::Type::kCreate,
                       .key = {"configmaps", "x", name},
                       .uid = "u" + std::to_string(i),
                       .head = head,
                       .tail = "}}"};
    ASSERT_TRUE(store_->commit_and_wait(std::move(write)));
  }
  std::vector<std::unique_ptr<net::Body>> open;
  std::size_t bytes = 0;
  const auto begin = [&] {
    watch("watch=true");
    open.push_back(std::move(exchange_->open));
    std::vector<char> buffer(64 << 10);
    for (;;) {
      const auto read = open.back()->read(buffer);
      bytes += read.bytes;
      if (read.state == net::Body::State::kWaiting) return;
    }
  };
  begin();  // What is made once.
  ASSERT_GT(bytes, kObjects * 50);
  const std::size_t before = used_bytes();
  for (std::size_t i = 0; i < kWatches; ++i) begin();
  EXPECT_LT(used_bytes(), before + kWatches * 1024);
}

}  // namespace
}  // namespace pinnace::apiserver
