#include "kubelet/probes/prober.h"

#include <gtest/gtest.h>

#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// One container whose probes answer as the test says.
class ProberTest : public ::testing::Test {
 protected:
  core::Probe& probe(api::Boxed<core::Probe>& slot) {
    slot.emplace();
    slot->tcp_socket.emplace();
    slot->period_seconds = 10;
    slot->failure_threshold = 3;
    slot->success_threshold = 1;
    return *slot;
  }
  void begin() {
    auto pod = std::make_shared<core::Pod>(make_pod("p", {container}));
    PodState state;
    ContainerRecord record;
    record.status.id = "id";
    record.status.name = "c";
    record.status.state = cri::ContainerState::kRunning;
    record.status.started_at_ns = sim.wall().time_since_epoch().count();
    state.containers = {record};
    prober.update(pod, state);
    sim.run_until_idle();
  }
  int tries(const core::Probe* which) const {
    return static_cast<int>(std::ranges::count(asked, which->period_seconds));
  }

  io::SimExecutor sim;
  core::Container container = make_container("c");
  bool answer = true;
  std::vector<int> asked;  // The period of each probe that was asked: names it in the tests.
  std::vector<std::string> events;
  int changes = 0;
  Prober prober{
      sim,
      [this](const ProbeTry& what, std::function<void(bool, std::string)> done) {
        asked.push_back(what.probe->period_seconds);
        done(answer, "refused");
      },
      [this](const auto&, auto, auto, const std::string& message) { events.push_back(message); },
      [this](const std::string&) { ++changes; }};
};

TEST_F(ProberTest, WithoutProbesIsReadyAtOnce) {
  EXPECT_FALSE(prober.ready("id"));
  begin();
  EXPECT_TRUE(prober.ready("id") && prober.started("id"));
}

TEST_F(ProberTest, TriesReadinessEarlyUntilItIsReady) {
  probe(container.readiness_probe);
  answer = false;
  begin();
  EXPECT_FALSE(prober.ready("id"));
  EXPECT_TRUE(events.empty());  // Early tries count only when they succeed.
  answer = true;
  sim.advance(milliseconds(300));
  EXPECT_TRUE(prober.ready("id"));
  EXPECT_EQ(changes, 1);
}

TEST_F(ProberTest, WaitsForTheInitialDelay) {
  probe(container.readiness_probe).initial_delay_seconds = 5;
  begin();
  sim.advance(milliseconds(4900));
  EXPECT_TRUE(asked.empty());
  sim.advance(milliseconds(200));
  EXPECT_TRUE(prober.ready("id"));
}

TEST_F(ProberTest, IsUnreadyAfterTheFailureThreshold) {
  probe(container.readiness_probe);
  begin();
  answer = false;
  sim.advance(seconds(25));
  EXPECT_TRUE(prober.ready("id"));
  EXPECT_EQ(events.size(), 2u);
  EXPECT_EQ(events[0], "Readiness probe failed: refused");
  sim.advance(seconds(10));
  EXPECT_FALSE(prober.ready("id"));
}

TEST_F(ProberTest, LivenessFailsOnceAndThenRests) {
  probe(container.liveness_probe);
  answer = false;
  begin();
  EXPECT_EQ(prober.liveness("id"), Health::kHealthy);
  sim.advance(seconds(60));
  EXPECT_EQ(prober.liveness("id"), Health::kFailed);
  EXPECT_EQ(asked.size(), 3u);
}

TEST_F(ProberTest, HoldsTheOthersBackUntilStartup) {
  probe(container.startup_probe).period_seconds = 2;
  probe(container.liveness_probe).period_seconds = 3;
  probe(container.readiness_probe).period_seconds = 4;
  container.startup_probe->failure_threshold = 30;
  answer = false;
  begin();
  sim.advance(seconds(20));
  EXPECT_FALSE(prober.started("id"));
  EXPECT_EQ(tries(container.liveness_probe.get()) + tries(container.readiness_probe.get()), 0);
  answer = true;
  sim.advance(seconds(2));
  EXPECT_TRUE(prober.started("id") && prober.ready("id"));
  asked.clear();
  sim.advance(seconds(12));
  EXPECT_EQ(tries(container.startup_probe.get()), 0);
  EXPECT_EQ(tries(container.liveness_probe.get()), 4);
  EXPECT_EQ(tries(container.readiness_probe.get()), 3);
}

TEST_F(ProberTest, DoesNotAskTwiceAsOftenAfterALateStartup) {
  probe(container.startup_probe).period_seconds = 2;
  probe(container.liveness_probe).period_seconds = 3;
  container.liveness_probe->initial_delay_seconds = 6;
  begin();  // Startup passes at once; liveness is not due yet.
  sim.advance(seconds(5));
  EXPECT_EQ(tries(container.liveness_probe.get()), 0);
  sim.advance(seconds(10));
  EXPECT_EQ(tries(container.liveness_probe.get()), 4);
}

TEST_F(ProberTest, EndsWithItsContainer) {
  probe(container.liveness_probe);
  begin();
  prober.forget("p-uid");
  asked.clear();
  sim.advance(seconds(60));
  EXPECT_TRUE(asked.empty());
  EXPECT_FALSE(prober.ready("id"));
}

}  // namespace
}  // namespace pinnace::kubelet::testing
