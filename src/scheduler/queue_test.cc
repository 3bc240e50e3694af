#include "scheduler/queue.h"

#include <gtest/gtest.h>

#include "scheduler/plugins.h"
#include "scheduler/testing.h"

namespace pinnace::scheduler {
namespace {

using testing::make_pod;

MonotonicTime second(double count) { return {static_cast<std::int64_t>(count * 1e9)}; }

struct SchedulingQueueTest : ::testing::Test {
  std::string pop(double at) {
    auto queued = queue.pop(second(at));
    if (!queued) return "";
    last = *queued;
    return queued->pod->uid();
  }
  SchedulingQueue queue;
  QueuedPod last;
};

TEST_F(SchedulingQueueTest, PriorityThenArrival) {
  queue.add(make_pod("first"), second(0));
  queue.add(make_pod("second"), second(0));
  queue.add(make_pod("vip", R"("priority":9)"), second(0));
  EXPECT_EQ(pop(0), "vip");
  EXPECT_EQ(pop(0), "first");
  EXPECT_EQ(pop(0), "second");
  EXPECT_EQ(pop(0), "");
}

TEST_F(SchedulingQueueTest, AFailedPodWaitsForAChangeThatMayHelp) {
  queue.add(make_pod("p"), second(0));
  pop(0);
  queue.put_back(last, kNodeAdded, second(0));
  queue.wake(kPodGone, second(5));
  EXPECT_EQ(pop(5), "");
  queue.wake(kNodeAdded, second(5));
  EXPECT_EQ(pop(5), "p");
  EXPECT_EQ(last.attempts, 2);
}

TEST_F(SchedulingQueueTest, ATryIsNotRepeatedBeforeItsBackoffEnds) {
  queue.add(make_pod("p"), second(0));
  double now = 0;
  for (const double backoff : {1, 2, 4, 8, 10, 10}) {
    ASSERT_EQ(pop(now), "p");
    queue.put_back(last, kNodeAdded, second(now));
    queue.wake(kNodeAdded, second(now));
    EXPECT_EQ(pop(now + backoff - 0.1), "");
    EXPECT_EQ(queue.next_time(), second(now + backoff));
    now += backoff;
  }
}

TEST_F(SchedulingQueueTest, AfterFiveMinutesItIsTriedAnyway) {
  queue.add(make_pod("p"), second(0));
  pop(0);
  queue.put_back(last, 0, second(0));
  EXPECT_FALSE(queue.any_ready(second(299)));
  EXPECT_TRUE(queue.any_ready(second(300)));
}

TEST_F(SchedulingQueueTest, UpdatesKeepAPodsPlaceAndRemovalTakesItOut) {
  queue.add(make_pod("a"), second(0));
  queue.add(make_pod("b"), second(0));
  queue.update(make_pod("b", R"("priority":5)"));
  queue.update(make_pod("unknown"));
  EXPECT_EQ(queue.size(), 2u);
  EXPECT_EQ(pop(0), "b");
  EXPECT_EQ(last.pod->priority, 5);
  queue.remove("a");
  EXPECT_EQ(pop(0), "");
  EXPECT_EQ(queue.size(), 0u);
  pop(0);
  queue.put_back(last, kNodeAdded, second(0));
  queue.remove("b");
  queue.wake(kNodeAdded, second(100));
  EXPECT_EQ(pop(100), "");
}

}  // namespace
}  // namespace pinnace::scheduler
