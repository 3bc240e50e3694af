#include "controllers/node_lifecycle/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::node_lifecycle {
namespace {

using api::coordination_v1::Lease;
using controllers::testing::at;
using controllers::testing::from;
using controllers::testing::make_pod;

Node make_node(const std::string& ready, int heartbeat = 0) {
  Node node;
  node.metadata.name = "n1";
  node.metadata.creation_timestamp = to_time(at(0));
  if (ready.empty()) return node;
  auto& condition = node.status.conditions.emplace_back();
  condition.type = "Ready";
  condition.status = ready;
  condition.reason = "KubeletReady";
  condition.last_heartbeat_time = to_time(at(heartbeat));
  return node;
}
Lease lease_at(int second) {
  Lease lease;
  lease.spec.renew_time = api::Time{at(second)};
  return lease;
}
std::vector<std::string> texts(const std::vector<Taint>& taints) {
  std::vector<std::string> out;
  for (const auto& taint : taints) out.push_back(taint.key + ':' + taint.effect);
  return out;
}
using Texts = std::vector<std::string>;

TEST(NodeHealth, ALeaseOrAHeartbeatKeepsANodeAlive) {
  const Settings settings;
  auto lease = lease_at(0);
  auto health = observe(std::nullopt, make_node("True"), &lease, at(5));
  EXPECT_FALSE(is_silent(health, settings, at(45)));
  EXPECT_TRUE(is_silent(health, settings, at(46)));
  lease = lease_at(40);
  health = observe(health, make_node("True"), &lease, at(41));
  EXPECT_FALSE(is_silent(health, settings, at(81)));
  health = observe(health, make_node("True", 70), &lease, at(71));
  EXPECT_FALSE(is_silent(health, settings, at(111)));
  health = observe(health, make_node("True", 70), &lease, at(100));
  EXPECT_TRUE(is_silent(health, settings, at(112)));
}

TEST(NodeHealth, ANodeThatNeverSpokeHasALongerGraceFromItsCreation) {
  const Settings settings;
  const auto health = observe(std::nullopt, make_node(""), nullptr, at(30));
  EXPECT_FALSE(is_silent(health, settings, at(60)));
  EXPECT_TRUE(is_silent(health, settings, at(61)));
}

TEST(NodeConditions, OfASilentNodeBecomeUnknown) {
  const auto conditions = plan_conditions(make_node("True"), at(50));
  ASSERT_TRUE(conditions);
  ASSERT_EQ(conditions->size(), 4u);
  EXPECT_EQ(conditions->at(0).status, "Unknown");
  EXPECT_EQ(conditions->at(0).reason, "NodeStatusUnknown");
  EXPECT_EQ(conditions->at(0).message, "Kubelet stopped posting node status.");
  EXPECT_EQ(conditions->at(0).last_transition_time.value, at(50));
  EXPECT_EQ(conditions->at(1).reason, "NodeStatusNeverUpdated");
  EXPECT_EQ(conditions->at(1).message, "Kubelet never posted node status.");
  Node node = make_node("");
  node.status.conditions = *conditions;
  EXPECT_EQ(plan_conditions(node, at(60)), std::nullopt);
}

TEST(NodeTaints, FollowConditions) {
  Node node = make_node("Unknown");
  auto plan = plan_taints(node, true, false, at(10));
  EXPECT_TRUE(plan.changed);
  EXPECT_TRUE(plan.evicts);
  EXPECT_EQ(texts(plan.taints), (Texts{"node.kubernetes.io/unreachable:NoSchedule",
                                       "node.kubernetes.io/unreachable:NoExecute"}));
  EXPECT_EQ(plan.taints[1].time_added.value, at(10));
  node.spec.taints = plan.taints;
  EXPECT_FALSE(plan_taints(node, false, false, at(20)).changed);

  node.status.conditions[0].status = "False";
  plan = plan_taints(node, false, false, at(30));
  EXPECT_FALSE(plan.evicts);  // Its pods are leaving already.
  EXPECT_EQ(texts(plan.taints), (Texts{"node.kubernetes.io/not-ready:NoSchedule",
                                       "node.kubernetes.io/not-ready:NoExecute"}));
  node.spec.taints = plan.taints;
  node.status.conditions[0].status = "True";
  EXPECT_TRUE(plan_taints(node, true, false, at(40)).taints.empty());
}

TEST(NodeTaints, OthersTaintsStay) {
  Node node = make_node("True");
  Taint own;
  own.key = "dedicated";
  own.effect = "NoSchedule";
  node.spec.taints = {own};
  node.spec.unschedulable = true;
  auto& pressure = node.status.conditions.emplace_back();
  pressure.type = "DiskPressure";
  pressure.status = "True";
  EXPECT_EQ(texts(plan_taints(node, true, false, at(0)).taints),
            (Texts{"dedicated:NoSchedule", "node.kubernetes.io/disk-pressure:NoSchedule",
                   "node.kubernetes.io/unschedulable:NoSchedule"}));
}

TEST(NodeTaints, EvictionWaitsForItsZoneAndStopsWhenAllNodesAreDown) {
  Node node = make_node("Unknown");
  auto plan = plan_taints(node, false, false, at(0));
  EXPECT_TRUE(plan.deferred);
  EXPECT_EQ(texts(plan.taints), Texts{"node.kubernetes.io/unreachable:NoSchedule"});
  node.spec.taints = plan_taints(node, true, false, at(0)).taints;
  plan = plan_taints(node, true, true, at(10));
  EXPECT_EQ(texts(plan.taints), Texts{"node.kubernetes.io/unreachable:NoSchedule"});
  EXPECT_FALSE(plan.evicts);
}

TEST(NodeDisruption, SlowsEvictionsDown) {
  EXPECT_EQ(disruption_of(9, 1), Disruption::kNone);
  EXPECT_EQ(disruption_of(1, 2), Disruption::kNone);
  EXPECT_EQ(disruption_of(4, 6), Disruption::kPartial);
  EXPECT_EQ(disruption_of(0, 1), Disruption::kFull);
  EXPECT_EQ(eviction_gap(Disruption::kNone, 10), seconds(10));
  EXPECT_EQ(eviction_gap(Disruption::kPartial, 10), std::nullopt);
  EXPECT_EQ(eviction_gap(Disruption::kPartial, 100), seconds(100));
}

TEST(PodEviction, TolerationsGiveTime) {
  Taint taint;
  taint.key = "node.kubernetes.io/unreachable";
  taint.effect = "NoExecute";
  taint.time_added = to_time(at(100));
  auto pod = make_pod({.name = "p"});
  EXPECT_EQ(eviction_time(pod, {}, at(0)), std::nullopt);
  EXPECT_EQ(eviction_time(pod, {taint}, at(0)), at(100));
  pod.spec.tolerations = {from<core_v1::Toleration>(
      R"({"key":"node.kubernetes.io/unreachable","operator":"Exists","effect":"NoExecute",
          "tolerationSeconds":300})")};
  EXPECT_EQ(eviction_time(pod, {taint}, at(0)), at(400));
  pod.spec.tolerations[0].toleration_seconds.reset();
  EXPECT_EQ(eviction_time(pod, {taint}, at(0)), std::nullopt);
  taint.effect = "NoSchedule";
  EXPECT_EQ(eviction_time(make_pod({.name = "p"}), {taint}, at(0)), std::nullopt);
}

}  // namespace
}  // namespace pinnace::controllers::node_lifecycle
