#include "io/sim_executor.h"

#include <gtest/gtest.h>

#include <string>

namespace pinnace::io {
namespace {

using std::chrono::seconds;

TEST(SimExecutor, AdvancesThroughTimersInOrder) {
  SimExecutor sim;
  std::string log;
  auto at = [&] { return std::to_string(sim.monotonic().nanoseconds / 1'000'000'000); };
  sim.schedule_after(seconds(5), [&] { log += "b" + at(); });
  sim.schedule_after(seconds(3), [&] {
    log += "a" + at();
    sim.post([&] { log += "p"; });
    sim.schedule_after(seconds(1), [&] { log += "n" + at(); });
  });
  auto cancelled = sim.schedule_after(seconds(4), [&] { log += "x"; });
  sim.cancel(cancelled);
  WallTime before = sim.wall();
  sim.advance(seconds(10));
  EXPECT_EQ(log, "a3pn4b5");
  EXPECT_EQ(sim.wall() - before, seconds(10));
  EXPECT_EQ(sim.pending_timers(), 0u);
}

TEST(SimExecutor, RunsWhatIsPostedWithoutMovingTime) {
  SimExecutor sim;
  int depth = 0;
  std::function<void()> again = [&] {
    if (++depth < 10) sim.post(again);
  };
  sim.post(again);
  sim.run_until_idle();
  EXPECT_EQ(depth, 10);
  EXPECT_EQ(sim.monotonic().nanoseconds, 0);
  EXPECT_EQ(rfc3339(sim.wall()), "2026-01-01T00:00:00Z");
}

}  // namespace
}  // namespace pinnace::io
