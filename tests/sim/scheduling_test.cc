#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using std::chrono::seconds;
using Messages = std::vector<std::string>;

class SchedulingSim : public Scenario {
 protected:
  std::string why_waiting(const std::string& name) {
    const auto pod = cluster.get<core_v1::Pod>(name);
    if (!pod) return "gone";
    for (const auto& condition : pod->status.conditions) {
      if (condition.type == "PodScheduled") {
        return condition.status + '/' + condition.reason + ": " + condition.message;
      }
    }
    return "";
  }
  bool runs(const std::string& name) {
    const auto pod = cluster.get<core_v1::Pod>(name);
    return pod && is_ready(*pod);
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, SchedulingSim, ::testing::ValuesIn(seeds()));

TEST_P(SchedulingSim, APodIsBoundAndSaysSo) {
  cluster.add_nodes(1);
  make_pod("p");
  ASSERT_TRUE(cluster.run_until([&] { return runs("p"); }));
  EXPECT_EQ(events("p", "Scheduled"), Messages{"Successfully assigned default/p to n1"});
  EXPECT_EQ(why_waiting("p"), "True/: ");
}

TEST_P(SchedulingSim, APodThatFitsNowhereSaysWhyUntilANodeComes) {
  cluster.add_node({.name = "n1", .labels = R"("disk":"hdd")"});
  cluster.add_node({.name = "n2", .taints = R"({"key":"gpu","effect":"NoSchedule"})"});
  cluster.run_for(seconds(5));  // Until they are known to be ready, new nodes are tainted.
  make_pod("p", R"("nodeSelector":{"disk":"ssd"})");
  cluster.run_for(seconds(5));
  const std::string message =
      "0/2 nodes are available: 1 node(s) didn't match Pod's node affinity/selector, 1 node(s) had "
      "untolerated taint(s). no new claims to deallocate, preemption: 0/2 nodes are available: 2 "
      "Preemption is not helpful for "
      "scheduling.";
  EXPECT_EQ(why_waiting("p"), "False/Unschedulable: " + message);
  EXPECT_EQ(events("p", "FailedScheduling"), Messages{message});
  cluster.add_node({.name = "n3", .labels = R"("disk":"ssd")"});
  EXPECT_TRUE(cluster.run_until([&] { return runs("p"); }));
  EXPECT_EQ(node_of("p"), "n3");
}

TEST_P(SchedulingSim, WithoutNodesPodsWaitForThem) {
  make_pod("p");
  cluster.run_for(seconds(1));
  EXPECT_EQ(why_waiting("p"), "False/Unschedulable: no nodes available to schedule pods");
  cluster.add_nodes(1);
  EXPECT_TRUE(cluster.run_until([&] { return runs("p"); }, seconds(15)));
}

TEST_P(SchedulingSim, ResourcesAreSharedOutAndFreedOnesUsed) {
  cluster.add_nodes(2, "2");
  for (int i = 0; i < 5; ++i) make_pod("p" + std::to_string(i), "", R"("cpu":"1")");
  cluster.run_for(seconds(10));
  std::string waiting;
  for (const auto& pod : pods()) {
    if (!pod.spec.node_name.empty()) continue;
    EXPECT_TRUE(waiting.empty());
    waiting = pod.metadata.name;
  }
  ASSERT_FALSE(waiting.empty());
  EXPECT_EQ(why_waiting(waiting),
            "False/Unschedulable: 0/2 nodes are available: 2 Insufficient cpu. no new claims "
            "to deallocate, preemption: 0/2 "
            "nodes are available: 2 No preemption victims found for incoming pod.");
  cluster.remove(kPods + (waiting == "p0" ? "/p1" : "/p0"));
  EXPECT_TRUE(cluster.run_until([&] { return runs(waiting); }));
}

TEST_P(SchedulingSim, AHigherPriorityMakesRoom) {
  cluster.add_nodes(1, "2");
  cluster.create("/apis/scheduling.k8s.io/v1/priorityclasses",
                 R"({"metadata":{"name":"high"},"value":1000})");
  make_pod("low-1", "", R"("cpu":"1")");
  make_pod("low-2", "", R"("cpu":"1")");
  ASSERT_TRUE(cluster.run_until([&] { return runs("low-1") && runs("low-2"); }));
  make_pod("vip", R"("priorityClassName":"high")", R"("cpu":"1")");
  cluster.run_for(std::chrono::milliseconds(50));
  EXPECT_EQ(cluster.get<core_v1::Pod>("vip")->status.nominated_node_name, "n1");
  ASSERT_TRUE(cluster.run_until([&] { return runs("vip"); }, seconds(30)));
  EXPECT_EQ(pods().size(), 2u);  // One had to go.
  EXPECT_EQ(events("low-1", "Preempted").size() + events("low-2", "Preempted").size(), 1u);
}

TEST_P(SchedulingSim, GatedPodsAndThoseOfOtherSchedulersAreLeftAlone) {
  cluster.add_nodes(1);
  make_pod("gated", R"("schedulingGates":[{"name":"example.com/wait"}])");
  make_pod("foreign", R"("schedulerName":"other")");
  cluster.run_for(seconds(10));
  EXPECT_EQ(node_of("gated"), "");
  EXPECT_EQ(node_of("foreign"), "");
  cluster.patch(kPods + "/gated", R"({"spec":{"schedulingGates":[]}})");
  EXPECT_TRUE(cluster.run_until([&] { return runs("gated"); }));
  EXPECT_EQ(node_of("foreign"), "");
}

TEST_P(SchedulingSim, ManyPodsAtOnceAreBoundOnceEach) {
  cluster.add_nodes(5, "100");
  for (int i = 0; i < 200; ++i) make_pod("p" + std::to_string(i), "", R"("cpu":"1")");
  EXPECT_TRUE(cluster.run_until([&] {
    for (const auto& pod : pods()) {
      if (!is_ready(pod)) return false;
    }
    return true;
  }));
  for (const auto& pod : pods()) EXPECT_FALSE(pod.spec.node_name.empty());
}

}  // namespace
}  // namespace pinnace::sim
