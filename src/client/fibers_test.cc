#include "client/fibers.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "client/client.h"
#include "client/work_queue.h"
#include "io/sim_executor.h"

namespace pinnace::client {
namespace {

using Log = std::vector<std::string>;

// Answers when the test says so.
class HeldTransport final : public Transport {
 public:
  Result<Response> round_trip(const Request&) override {
    return errors::internal("not in a fiber");
  }
  void send(const Request& request, Executor& executor,
            std::function<void(Result<Response>)> done) override {
    held.push_back({request.target, &executor, std::move(done)});
  }
  std::unique_ptr<WatchStream> watch(const Request&, Executor&,
                                     std::function<void(std::string_view)>,
                                     std::function<void(Result<void>)>) override {
    return nullptr;
  }
  void answer(std::size_t which, std::string body) {
    auto call = std::move(held[which]);
    held.erase(held.begin() + static_cast<std::ptrdiff_t>(which));
    call.executor->post([done = std::move(call.done), body] {
      done(Response{200, std::make_shared<const std::string>(body)});
    });
  }

  struct Call {
    std::string target;
    Executor* executor;
    std::function<void(Result<Response>)> done;
  };
  std::vector<Call> held;
};

struct FibersTest : testing::Test {
  std::string get(const std::string& target) {
    const auto body = api.call("GET", target, {});
    return body ? **body : body.error().message;
  }
  io::SimExecutor executor;
  HeldTransport transport;
  Client api{transport};
  Log log;
};

TEST_F(FibersTest, OneThatWaitsLetsOthersRun) {
  Fibers fibers(executor);
  for (const std::string name : {"/a", "/b"}) {
    fibers.run([this, name] {
      log.push_back("begins " + name);
      log.push_back(get(name));
      log.push_back(get(name + name));
    });
  }
  EXPECT_EQ(log, (Log{"begins /a", "begins /b"}));
  ASSERT_EQ(transport.held.size(), 2u);
  transport.answer(1, "b1");
  executor.run_until_idle();
  EXPECT_EQ(log.back(), "b1");
  EXPECT_EQ(transport.held[1].target, "/b/b");
  transport.answer(0, "a1");
  executor.run_until_idle();
  transport.answer(0, "b2");
  transport.answer(0, "a2");
  executor.run_until_idle();
  EXPECT_EQ(log, (Log{"begins /a", "begins /b", "b1", "a1", "b2", "a2"}));
  EXPECT_EQ(fibers.size(), 0u);
  EXPECT_FALSE(Fibers::inside());
}

TEST_F(FibersTest, DestructionCallsOffWhatWaitsAndAllItsLaterCalls) {
  {
    Fibers fibers(executor);
    fibers.run([this] {
      log.push_back(get("/a"));
      log.push_back(get("/b"));
    });
  }
  EXPECT_EQ(log, (Log{"the work was called off", "the work was called off"}));
  transport.answer(0, "too late");
  executor.run_until_idle();
  EXPECT_EQ(log.size(), 2u);
}

TEST_F(FibersTest, ParallelCallsWaitTogether) {
  Fibers fibers(executor);
  fibers.run([this] {
    Fibers::in_parallel(3, [this](std::size_t i) { log.push_back(get("/" + std::to_string(i))); });
    log.push_back("all");
    log.push_back(get("/last"));
  });
  ASSERT_EQ(transport.held.size(), 3u);
  transport.answer(2, "2");
  transport.answer(0, "0");
  executor.run_until_idle();
  EXPECT_EQ(log, (Log{"2", "0"}));
  transport.answer(0, "1");
  executor.run_until_idle();
  EXPECT_EQ(log, (Log{"2", "0", "1", "all"}));
  transport.answer(0, "end");
  executor.run_until_idle();
  EXPECT_EQ(log.back(), "end");
}

TEST_F(FibersTest, ParallelCallsThatNeedNoAnswerDoNotWakeALaterOne) {
  Fibers fibers(executor);
  fibers.run([this] {
    Fibers::in_parallel(2, [this](std::size_t) { log.push_back("now"); });
    log.push_back(get("/a"));
  });
  executor.run_until_idle();
  EXPECT_EQ(log, (Log{"now", "now"}));
  transport.answer(0, "a");
  executor.run_until_idle();
  EXPECT_EQ(log.back(), "a");
}

TEST_F(FibersTest, ParallelCallsAreCalledOffBeforeTheirParent) {
  {
    Fibers fibers(executor);
    fibers.run([this] {
      Fibers::in_parallel(2, [this](std::size_t) { log.push_back(get("/a")); });
      log.push_back("parent");
    });
  }
  EXPECT_EQ(log, (Log{"the work was called off", "the work was called off", "parent"}));
}

TEST_F(FibersTest, OutsideAFiberParallelCallsComeOneAfterAnother) {
  Fibers::in_parallel(2, [this](std::size_t i) { log.push_back(std::to_string(i)); });
  EXPECT_EQ(log, (Log{"0", "1"}));
}

TEST_F(FibersTest, AQueueWorksOnSeveralKeysButNeverTwiceOnOne) {
  WorkQueue queue(executor,
                  [this](const std::string& key) -> Result<void> {
                    log.push_back(key + ' ' + get('/' + key));
                    return {};
                  },
                  {.name = "test", .at_once = 2});
  for (const char* key : {"a", "b", "c"}) queue.add(key);
  executor.run_until_idle();
  ASSERT_EQ(transport.held.size(), 2u);  // c waits for its turn.
  queue.add("a");                        // Another turn, after this one.
  executor.run_until_idle();
  EXPECT_EQ(transport.held.size(), 2u);
  transport.answer(0, "first");
  executor.run_until_idle();
  EXPECT_EQ(log, (Log{"a first"}));
  ASSERT_EQ(transport.held.size(), 2u);
  EXPECT_EQ(transport.held[1].target, "/c");
  transport.answer(0, "b");
  executor.run_until_idle();
  EXPECT_EQ(transport.held[1].target, "/a");
}

}  // namespace
}  // namespace pinnace::client
