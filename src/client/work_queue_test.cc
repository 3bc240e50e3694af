#include "client/work_queue.h"

#include <gtest/gtest.h>

#include "io/sim_executor.h"

namespace pinnace::client {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using Keys = std::vector<std::string>;

class WorkQueueTest : public ::testing::Test {
 protected:
  io::SimExecutor executor;
  Keys worked;
  int fail = 0;  // How many more times work fails...
  Result<void> failure = errors::internal("no");
  WorkQueue queue{executor, [this](const std::string& key) -> Result<void> {
                    worked.push_back(key);
                    if (fail == 0) return {};
                    --fail;
                    return failure;
                  }};
};

TEST_F(WorkQueueTest, WorksOnEachKeyOnceInOrder) {
  for (const char* key : {"a", "b", "a", "c", "b"}) queue.add(key);
  EXPECT_EQ(queue.size(), 3u);
  executor.run_until_idle();
  EXPECT_EQ(worked, (Keys{"a", "b", "c"}));
}

TEST_F(WorkQueueTest, AKeyThatIsAddedDuringItsWorkIsWorkedOnAgain) {
  int left = 2;
  WorkQueue again(executor, [&](const std::string& key) -> Result<void> {
    worked.push_back(key);
    if (--left > 0) again.add(key);
    return {};
  });
  again.add("a");
  executor.run_until_idle();
  EXPECT_EQ(worked, (Keys{"a", "a"}));
}

TEST_F(WorkQueueTest, FailuresWaitFiveMillisecondsAndThenTwiceAsLong) {
  fail = 3;
  queue.add("a");
  executor.run_until_idle();
  for (const int wait : {5, 10, 20}) {
    const auto before = worked.size();
    executor.advance(milliseconds(wait - 1));
    EXPECT_EQ(worked.size(), before);
    executor.advance(milliseconds(1));
    EXPECT_EQ(worked.size(), before + 1);
  }
  executor.advance(std::chrono::hours(1));
  EXPECT_EQ(worked.size(), 4u);
  fail = 1;  // A success forgot the failures.
  queue.add("a");
  executor.advance(milliseconds(5));
  EXPECT_EQ(worked.size(), 6u);
}

TEST_F(WorkQueueTest, TheLongestWaitIsAThousandSeconds) {
  fail = 1000;
  queue.add("a");
  executor.advance(std::chrono::hours(2));
  const auto before = worked.size();
  executor.advance(seconds(10'000));
  EXPECT_EQ(worked.size(), before + 10);
}

TEST_F(WorkQueueTest, AConflictIsTriedAgainWithinASecond) {
  failure = errors::conflict("pods", "a", "old");
  fail = 100;
  queue.add("a");
  executor.advance(seconds(60));
  EXPECT_GE(worked.size(), 60u);
}

TEST_F(WorkQueueTest, OfTwoTimesTheEarlierOneStays) {
  queue.add_after("a", seconds(10));
  queue.add_after("a", seconds(5));
  queue.add_after("a", seconds(20));
  executor.advance(seconds(5));
  EXPECT_EQ(worked, Keys{"a"});
  executor.advance(seconds(60));
  EXPECT_EQ(worked, Keys{"a"});
  queue.add_after("b", Duration::zero());
  executor.run_until_idle();
  EXPECT_EQ(worked, (Keys{"a", "b"}));
}

TEST_F(WorkQueueTest, ResyncAddsAllKeysNowAndThen) {
  queue.resync_every(seconds(30), [] { return Keys{"a", "b"}; });
  executor.advance(seconds(90));
  EXPECT_EQ(worked, (Keys{"a", "b", "a", "b", "a", "b"}));
}

TEST_F(WorkQueueTest, CountsWhatItDoes) {
  metrics::Registry registry;
  WorkQueue counted(executor,
                    [&](const std::string&) -> Result<void> {
                      return fail-- > 0 ? Result<void>(errors::internal("no")) : Result<void>();
                    },
                    {.name = "q", .metrics = &registry});
  fail = 1;
  for (const char* key : {"a", "b", "a"}) counted.add(key);
  const auto shows = [&](const std::string& line) {
    const std::string text = registry.text();
    EXPECT_NE(text.find(line + "\n"), std::string::npos) << line << "\n" << text;
  };
  shows("workqueue_adds_total{name=\"q\"} 2");
  shows("workqueue_depth{name=\"q\"} 2");
  executor.run_until_idle();
  shows("workqueue_depth{name=\"q\"} 0");
  shows("workqueue_retries_total{name=\"q\"} 1");
  executor.advance(milliseconds(5));
  shows("workqueue_adds_total{name=\"q\"} 3");
  shows("workqueue_work_duration_seconds_count{name=\"q\"} 3");
}

TEST_F(WorkQueueTest, NothingRunsOnceTheQueueIsGone) {
  {
    WorkQueue gone(executor, [this](const std::string& key) -> Result<void> {
      worked.push_back(key);
      return {};
    });
    gone.add("a");
    gone.add_after("b", seconds(1));
    gone.resync_every(seconds(1), [] { return Keys{"c"}; });
  }
  executor.advance(seconds(10));
  EXPECT_TRUE(worked.empty());
  EXPECT_EQ(executor.pending_timers(), 0u);
}

}  // namespace
}  // namespace pinnace::client
