#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "api/types/coordination_v1.h"
#include "kubelet/node/image_collector.h"
#include "kubelet/node/lease_keeper.h"
#include "kubelet/node/log_rotation.h"
#include "kubelet/node/node_reporter.h"
#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

namespace fs = std::filesystem;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;

NodeIdentity identity() {
  NodeIdentity out;
  out.name = "node";
  out.ip = "192.0.2.1";
  out.pod_cidr = "10.244.0.0/24";
  out.port = 10250;
  out.version = "v1.35.0";
  out.machine.architecture = "amd64";
  out.machine.cpus = 4;
  out.machine.memory_bytes = 8ll << 30;
  return out;
}

NodeFacts healthy() {
  NodeFacts facts;
  facts.runtime_conditions =
      std::vector<cri::Condition>{{"RuntimeReady", true, "", ""}, {"NetworkReady", true, "", ""}};
  facts.runtime_version = {"containerd", "1.6.20", "v1"};
  facts.available_memory_bytes = 1ll << 30;
  facts.node_filesystem = {1000000, 500000, 1000, 500};
  facts.image_filesystem = facts.node_filesystem;
  return facts;
}

const core::NodeCondition& condition(const core::NodeStatus& status, const std::string& type) {
  return *std::ranges::find(status.conditions, type, &core::NodeCondition::type);
}

const WallTime kNow = WallTime(std::chrono::hours(500000));

TEST(NodeStatus, IsReadyWithAHealthyRuntime) {
  const auto status = make_node_status(identity(), healthy(), {}, kNow);
  EXPECT_TRUE(is_ready(status));
  EXPECT_EQ(condition(status, "Ready").reason, "KubeletReady");
  EXPECT_EQ(condition(status, "Ready").message, "kubelet is posting ready status");
  EXPECT_EQ(condition(status, "MemoryPressure").status, "False");
  EXPECT_EQ(condition(status, "DiskPressure").reason, "KubeletHasNoDiskPressure");
  EXPECT_EQ(status.capacity.at("pods").value(), 110);
  EXPECT_EQ(status.allocatable.at("memory").value(), (8ll << 30) - (100 << 20));
  EXPECT_EQ(status.node_info.container_runtime_version, "containerd://1.6.20");
  EXPECT_EQ(status.daemon_endpoints.kubelet_endpoint.port, 10250);
}

TEST(NodeStatus, SaysWhatIsWrong) {
  auto facts = healthy();
  facts.runtime_conditions = std::vector<cri::Condition>{
      {"NetworkReady", false, "NetworkPluginNotReady", "cni plugin not initialized"}};
  facts.available_memory_bytes = 1 << 20;
  facts.image_filesystem.inodes_free = 1;
  const auto status = make_node_status(identity(), facts, {}, kNow);
  EXPECT_FALSE(is_ready(status));
  EXPECT_EQ(condition(status, "Ready").message,
            "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady "
            "message:cni plugin not initialized");
  EXPECT_EQ(condition(status, "MemoryPressure").reason, "KubeletHasInsufficientMemory");
  EXPECT_EQ(condition(status, "DiskPressure").status, "True");
  facts.runtime_conditions = errors::unavailable("x");
  EXPECT_EQ(condition(make_node_status(identity(), facts, {}, kNow), "Ready").message,
            "container runtime is down");
}

TEST(NodeStatus, KeepsTransitionTimesAndOthersConditions) {
  auto before = make_node_status(identity(), healthy(), {}, kNow);
  core::NodeCondition other;
  other.type = "NetworkUnavailable";
  before.conditions.push_back(other);
  const auto after = make_node_status(identity(), healthy(), before, kNow + minutes(1));
  EXPECT_EQ(condition(after, "Ready").last_transition_time.value, kNow);
  EXPECT_EQ(condition(after, "Ready").last_heartbeat_time.value, kNow + minutes(1));
  EXPECT_EQ(condition(after, "NetworkUnavailable").type, "NetworkUnavailable");
}

TEST(NodeStatus, SortsImagesByTheirSize) {
  auto facts = healthy();
  facts.images = {{"1", {"small:1"}, {}, 1, {}, "", false},
                  {"2", {"large:1"}, {"large@x"}, 9, {}, "", false},
                  {"3", {}, {}, 99, {}, "", false}};
  const auto images = make_node_status(identity(), facts, {}, kNow).images;
  ASSERT_EQ(images.size(), 2u);
  EXPECT_THAT(images[0].names, ElementsAre("large@x", "large:1"));
}

class ReporterTest : public ::testing::Test, public Harness {
 protected:
  ReporterTest()
      : reporter({api, runtime, sim, pool, sim, identity(), "/",
                  [this](const core::Node&) { ++news; }}) {}
  ~ReporterTest() override { reporter.stop(); }
  core::Node node() { return server.get<core::Node>("", "node").value_or(core::Node()); }
  int writes() const {
    int count = 0;
    for (const auto& request : const_cast<FakeApi&>(server).requests()) {
      count += request.starts_with("PATCH /api/v1/nodes/node");
    }
    return count;
  }
  int news = 0;
  NodeReporter reporter;
};

TEST_F(ReporterTest, RegistersAndBecomesReady) {
  reporter.start();
  settle();
  EXPECT_TRUE(is_ready(node().status));
  EXPECT_EQ(node().metadata.labels.at("kubernetes.io/hostname"), "node");
  EXPECT_EQ(node().metadata.labels.at("kubernetes.io/os"), "linux");
  EXPECT_EQ(node().metadata.labels.count("node-role.kubernetes.io/control-plane"), 0u)
      << "a node may not choose its role";
  EXPECT_EQ(node().spec.pod_cidr, "10.244.0.0/24");
  EXPECT_GT(news, 0);
  EXPECT_FALSE(reporter.uid().empty());
}

TEST_F(ReporterTest, BecomesReadyAsSoonAsTheRuntimeIs) {
  runtime.ready = false;
  reporter.start();
  advance(std::chrono::milliseconds(200));
  EXPECT_FALSE(is_ready(node().status));
  runtime.ready = true;
  advance(std::chrono::milliseconds(300));
  EXPECT_TRUE(is_ready(node().status));
}

TEST_F(ReporterTest, BearsWithARuntimeThatRestarts) {
  reporter.start();
  settle();
  runtime.is_down = true;
  advance(seconds(25));
  EXPECT_TRUE(is_ready(node().status));
  advance(seconds(16));
  EXPECT_EQ(condition(node().status, "Ready").message, "container runtime is down");
  runtime.is_down = false;
  advance(seconds(11));
  EXPECT_TRUE(is_ready(node().status));
}

TEST_F(ReporterTest, WritesOnlyNewsAndEveryFiveMinutes) {
  reporter.start();
  advance(seconds(30));
  const int before = writes();
  advance(minutes(4));
  EXPECT_EQ(writes(), before);
  advance(minutes(2));
  EXPECT_EQ(writes(), before + 1);
}

TEST_F(ReporterTest, RegistersAgainWhenItIsDeleted) {
  reporter.start();
  settle();
  server.remove<core::Node>("", "node");
  advance(seconds(11));
  EXPECT_TRUE(is_ready(node().status));
}

TEST_F(ReporterTest, TakesUpANodeOfAnEarlierLife) {
  core::Node old;
  old.metadata.name = "node";
  old.metadata.labels = {{"mine", "x"}};
  server.put(old);
  reporter.start();
  settle();
  EXPECT_EQ(node().metadata.labels.at("mine"), "x");
  EXPECT_EQ(node().metadata.labels.at("kubernetes.io/arch"), "amd64");
  EXPECT_TRUE(is_ready(node().status));
}

TEST(LeaseKeeper, RenewsEveryTenSeconds) {
  Harness harness;
  LeaseKeeper keeper({harness.api, harness.sim, harness.pool, harness.sim, "node",
                      [] { return std::string("node-uid"); }});
  const auto lease = [&] {
    return *harness.server.get<api::coordination_v1::Lease>("kube-node-lease", "node");
  };
  keeper.start();
  harness.settle();
  EXPECT_EQ(lease().spec.lease_duration_seconds, 40);
  EXPECT_EQ(lease().metadata.owner_references.at(0).uid, "node-uid");
  const auto first = lease().spec.renew_time;
  harness.advance(seconds(10));
  EXPECT_EQ(lease().spec.renew_time.value - first.value, seconds(10));
  keeper.stop();
}

ImageRecord image(const std::string& id, std::uint64_t size, WallTime seen, WallTime used,
                  bool pinned = false) {
  return {{id, {id}, {}, size, {}, "", pinned}, seen, used};
}

TEST(ImagesToRemove, TakesTheLongestUnusedFirstUntilItIsEnough) {
  const WallTime old = kNow - std::chrono::hours(9);
  const std::vector<ImageRecord> unused{image("recent", 100, old, kNow - minutes(10)),
                                        image("ancient", 50, old, old), image("never", 10, old, {}),
                                        image("new", 100, kNow - minutes(1), {}),
                                        image("pinned", 100, old, {}, true)};
  EXPECT_THAT(images_to_remove(unused, 60, kNow), ElementsAre("never", "ancient"));
  EXPECT_THAT(images_to_remove(unused, 1, kNow), ElementsAre("never"));
  EXPECT_THAT(images_to_remove(unused, 1000, kNow), ElementsAre("never", "ancient", "recent"));
}

TEST(LogRotation, PutsALargeLogAsideAndKeepsFive) {
  Harness harness;
  const std::string folder = harness.dir.path() + "/ns_p_uid/c";
  fs::create_directories(folder);
  cri::ContainerConfig config;
  config.name = "c";
  config.labels = {{"io.kubernetes.pod.uid", "uid"}};
  config.annotations = {{"io.kubernetes.container.restartCount", "0"}};
  const auto id = *harness.runtime.create_container("s", config, {});
  (void)harness.runtime.start_container(id);
  for (int i = 0; i < 7; ++i) {
    std::ofstream(folder + "/0.log") << std::string(200, 'x');
    rotate_logs(harness.dir.path(), harness.runtime, kNow + seconds(i), {100, 5});
    EXPECT_FALSE(fs::exists(folder + "/0.log"));
  }
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), fs::directory_iterator()), 4);
  std::ofstream(folder + "/0.log") << "small";
  rotate_logs(harness.dir.path(), harness.runtime, kNow, {100, 5});
  EXPECT_TRUE(fs::exists(folder + "/0.log"));
  EXPECT_EQ(std::ranges::count(harness.runtime.calls, "reopen c"), 7);
}

TEST(Repeater, WorksAgainAfterItsDelayAndWhenItIsWoken) {
  io::SimExecutor sim;
  ThreadPool pool("test", 0);
  int count = 0;
  Repeater repeater(sim, pool, [&]() -> Duration {
    ++count;
    return seconds(10);
  });
  const auto settle = [&] {
    do sim.run_until_idle();
    while (pool.run_one());
  };
  repeater.wake();
  repeater.wake();
  settle();
  EXPECT_EQ(count, 1);
  sim.advance(seconds(5));
  repeater.wake();
  settle();
  EXPECT_EQ(count, 2);
  sim.advance(seconds(9));
  settle();
  EXPECT_EQ(count, 2);
  sim.advance(seconds(1));
  settle();
  EXPECT_EQ(count, 3);
  repeater.stop();
  sim.advance(seconds(60));
  settle();
  EXPECT_EQ(count, 3);
}

TEST(ThreadPool, RunsWhatIsQueuedBeforeItStops) {
  std::atomic<int> count = 0;
  ThreadPool pool("test", 3);
  for (int i = 0; i < 50; ++i) pool.submit([&] { ++count; });
  pool.stop();
  EXPECT_EQ(count, 50);
  pool.submit([&] { ++count; });
  EXPECT_EQ(count, 50);
}

}  // namespace
}  // namespace pinnace::kubelet::testing
