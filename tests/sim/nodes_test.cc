#include <set>

#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class NodesSim : public Scenario {
 protected:
  std::set<std::string> taints(const std::string& node) {
    std::set<std::string> found;
    const auto there = cluster.get<core_v1::Node>(node, "");
    if (!there) return found;
    for (const auto& taint : there->spec.taints) found.insert(taint.key + ':' + taint.effect);
    return found;
  }
  std::string readiness(const std::string& node) {
    const auto there = cluster.get<core_v1::Node>(node, "");
    if (!there) return "";
    for (const auto& condition : there->status.conditions) {
      if (condition.type == "Ready") return condition.status + '/' + condition.reason;
    }
    return "";
  }
  // Of the pods that run on it.
  int ready_on(const std::string& node) {
    int count = 0;
    for (const auto& pod : pods()) count += pod.spec.node_name == node && is_ready(pod) ? 1 : 0;
    return count;
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, NodesSim, ::testing::ValuesIn(seeds()));

TEST_P(NodesSim, EachNodeGetsPodAddressesOfItsOwn) {
  cluster.add_nodes(3);
  std::set<std::string> blocks;
  ASSERT_TRUE(cluster.run_until([&] {
    blocks.clear();
    for (const auto& node : cluster.list<core_v1::Node>("")) blocks.insert(node.spec.pod_cidr);
    return !blocks.contains("");
  }));
  EXPECT_EQ(blocks, (std::set<std::string>{"10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"}));
}

TEST_P(NodesSim, PodsOfADeadNodeAreReplacedAfterFiveMinutes) {
  cluster.add_nodes(2);
  auto& doomed = cluster.add_node({.name = "doomed"});
  // A new node takes pods once it is known to be ready.
  ASSERT_TRUE(cluster.run_until(
      [&] { return taints("n1").empty() && taints("n2").empty() && taints("doomed").empty(); }));
  deploy("web", 6);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  ASSERT_EQ(ready_on("doomed"), 2);
  cluster.run_for(minutes(2));
  EXPECT_EQ(readiness("doomed"), "True/KubeletReady");

  doomed.die();
  cluster.run_for(seconds(30));
  EXPECT_EQ(readiness("doomed"), "True/KubeletReady");
  cluster.run_for(seconds(30));
  EXPECT_EQ(readiness("doomed"), "Unknown/NodeStatusUnknown");
  EXPECT_EQ(ready_on("doomed"), 0);
  EXPECT_EQ(taints("doomed"), (std::set<std::string>{"node.kubernetes.io/unreachable:NoSchedule",
                                                     "node.kubernetes.io/unreachable:NoExecute"}));
  EXPECT_EQ(deployment("web").status.available_replicas, 4);

  cluster.run_for(minutes(4));
  for (const auto& pod : pods("web")) EXPECT_FALSE(is_leaving(pod));
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }, minutes(2)));
  EXPECT_EQ(ready_on("n1") + ready_on("n2"), 6);
  // Nobody on the dead node can end them; they go when it is given up.
  EXPECT_EQ(pods("web").size(), 8u);
  cluster.remove("/api/v1/nodes/doomed");
  EXPECT_TRUE(cluster.run_until([&] { return pods("web").size() == 6; }, minutes(3)));
}

TEST_P(NodesSim, WhenAllNodesAreSilentNobodyIsEvicted) {
  auto& first = cluster.add_node({.name = "n1"});
  auto& second = cluster.add_node({.name = "n2"});
  deploy("web", 4);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  first.die();
  second.die();
  cluster.run_for(minutes(15));
  EXPECT_EQ(pods("web").size(), 4u);
  for (const auto& pod : pods("web")) EXPECT_FALSE(is_leaving(pod));
  for (const char* node : {"n1", "n2"}) {
    EXPECT_EQ(taints(node), std::set<std::string>{"node.kubernetes.io/unreachable:NoSchedule"});
  }
}

TEST_P(NodesSim, ANoExecuteTaintEvictsWhoDoesNotTolerateIt) {
  cluster.add_nodes(1);
  make_pod("plain");
  make_pod("patient", R"("tolerations":[{"key":"fire","operator":"Exists","effect":"NoExecute",
      "tolerationSeconds":60}])");
  make_pod("hardy", R"("tolerations":[{"key":"fire","operator":"Exists"}])");
  const auto is_there = [&](const std::string& pod) {
    return cluster.get<core_v1::Pod>(pod).has_value();
  };
  ASSERT_TRUE(
      cluster.run_until([&] { return !node_of("hardy").empty() && !node_of("plain").empty(); }));
  cluster.patch("/api/v1/nodes/n1", R"({"spec":{"taints":[{"key":"fire","effect":"NoExecute"}]}})");
  cluster.run_for(seconds(10));
  EXPECT_FALSE(is_there("plain"));
  EXPECT_TRUE(is_there("patient"));
  cluster.run_for(seconds(60));
  EXPECT_FALSE(is_there("patient"));
  EXPECT_TRUE(is_there("hardy"));
}

TEST_P(NodesSim, ACordonedNodeIsTainted) {
  cluster.add_nodes(1);
  cluster.patch("/api/v1/nodes/n1", R"({"spec":{"unschedulable":true}})");
  EXPECT_TRUE(cluster.run_until([&] {
    return taints("n1") == std::set<std::string>{"node.kubernetes.io/unschedulable:NoSchedule"};
  }));
  cluster.patch("/api/v1/nodes/n1", R"({"spec":{"unschedulable":false}})");
  EXPECT_TRUE(cluster.run_until([&] { return taints("n1").empty(); }));
}

}  // namespace
}  // namespace pinnace::sim
