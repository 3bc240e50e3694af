#include "io/loop.h"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <latch>
#include <thread>

#include "io/wake_batch.h"

namespace pinnace::io {
namespace {

TEST(Loop, RunsPostedWorkInOrderOnItsThread) {
  LoopThread thread("test");
  std::vector<int> order;
  std::promise<bool> done;
  for (int i = 0; i < 100; ++i) thread.loop().post([&order, i] { order.push_back(i); });
  thread.loop().post([&] { done.set_value(thread.loop().on_loop_thread()); });
  EXPECT_TRUE(done.get_future().get());
  ASSERT_EQ(order.size(), 100u);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<std::size_t>(i)], i);
}

TEST(Loop, RunsTimersByDueTimeAndNotCancelledOnes) {
  LoopThread thread("test");
  Loop& loop = thread.loop();
  std::string order;
  std::promise<void> done;
  loop.post([&] {
    auto cancelled = loop.schedule_after(std::chrono::milliseconds(1), [&] { order += "x"; });
    loop.schedule_after(std::chrono::milliseconds(20), [&] {
      order += "b";
      done.set_value();
    });
    loop.schedule_after(std::chrono::milliseconds(2), [&] { order += "a"; });
    loop.cancel(cancelled);
    loop.cancel(0);
    loop.cancel(cancelled);
  });
  done.get_future().get();
  EXPECT_EQ(order, "ab");
}

TEST(Loop, TellsThatADescriptorIsReadyUntilItIsRemoved) {
  LoopThread thread("test");
  Loop& loop = thread.loop();
  int fds[2];
  ASSERT_EQ(pipe(fds), 0);
  std::promise<int> done;
  auto held = std::make_shared<int>(7);
  std::weak_ptr<int> watched = held;
  loop.post([&, held] {
    int count = 0;
    loop.add_fd(fds[0], EPOLLIN, [&, count, held](std::uint32_t) mutable {
      if (++count < 3) return;  // Level-triggered: not reading means that it comes again.
      loop.remove_fd(fds[0]);
      done.set_value(*held);
    });
  });
  held.reset();
  ASSERT_EQ(write(fds[1], "x", 1), 1);
  EXPECT_EQ(done.get_future().get(), 7);
  std::promise<void> after;
  loop.post([&] { after.set_value(); });
  after.get_future().get();
  EXPECT_TRUE(watched.expired());
  close(fds[0]);
  close(fds[1]);
}

TEST(Loop, DoesNotRunAClosureRemovedInTheSameRound) {
  auto loop = Loop::create();
  ASSERT_TRUE(loop);
  int a[2], b[2];
  ASSERT_EQ(pipe(a), 0);
  ASSERT_EQ(pipe(b), 0);
  ASSERT_EQ(write(a[1], "x", 1), 1);
  ASSERT_EQ(write(b[1], "x", 1), 1);
  int calls = 0;
  auto ready = [&](std::uint32_t) {
    ++calls;
    (*loop)->remove_fd(a[0]);
    (*loop)->remove_fd(b[0]);
    (*loop)->stop();
  };
  (*loop)->add_fd(a[0], EPOLLIN, ready);
  (*loop)->add_fd(b[0], EPOLLIN, ready);
  (*loop)->run();
  EXPECT_EQ(calls, 1);
  for (int fd : {a[0], a[1], b[0], b[1]}) close(fd);
}

TEST(Loop, TakesWorkFromManyThreads) {
  std::atomic<int> ran = 0;
  {
    LoopThread thread("test");
    std::vector<std::thread> posters;
    for (int t = 0; t < 4; ++t)
      posters.emplace_back([&] {
        for (int i = 0; i < 500; ++i) {
          thread.loop().post([&] { ++ran; });
          thread.loop().cancel(thread.loop().schedule_after(std::chrono::hours(1), [] {}));
        }
      });
    for (auto& poster : posters) poster.join();
  }
  EXPECT_EQ(ran, 2000);
}

TEST(WakeBatch, WakesEachLoopThatWasPostedToWhenTheOutermostEnds) {
  LoopThread one("one"), other("other");
  for (int round = 1; round <= 200; ++round) {
    std::latch ran(4);
    {
      const WakeBatch outer;
      one.loop().post([&] { ran.count_down(); });
      {
        const WakeBatch inner;
        one.loop().post([&] { ran.count_down(); });
        other.loop().post([&] { ran.count_down(); });
      }
      other.loop().post([&] { ran.count_down(); });
    }
    ran.wait();
  }
}

TEST(WakeBatch, MayOutliveALoop) {
  const WakeBatch batch;
  std::atomic<int> ran = 0;
  {
    LoopThread thread("test");
    for (int i = 0; i < 10; ++i) thread.loop().post([&] { ++ran; });
  }
  EXPECT_EQ(ran, 10);
}

}  // namespace
}  // namespace pinnace::io
