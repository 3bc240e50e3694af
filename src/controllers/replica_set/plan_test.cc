#include "controllers/replica_set/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::replica_set {
namespace {

using controllers::testing::at;
using controllers::testing::pod_ref;

std::vector<PodRef> make_pods(std::size_t count) {
  std::vector<PodRef> pods;
  for (std::size_t i = 0; i < count; ++i)
    pods.push_back(pod_ref({.name = "p" + std::to_string(i)}));
  return pods;
}

TEST(ReplicaSetPlan, CreatesWhatIsMissing) {
  const auto changes = plan_replicas(5, make_pods(2), {}, at(0));
  EXPECT_EQ(changes.create, 3u);
  EXPECT_TRUE(changes.remove.empty());
}

TEST(ReplicaSetPlan, RemovesTheSurplus) {
  const auto pods = make_pods(5);
  const auto changes = plan_replicas(2, pods, pods, at(0));
  EXPECT_EQ(changes.create, 0u);
  EXPECT_EQ(changes.remove.size(), 3u);
}

TEST(ReplicaSetPlan, DoesNothingWhenTheNumberIsRight) {
  const auto pods = make_pods(3);
  const auto changes = plan_replicas(3, pods, pods, at(0));
  EXPECT_EQ(changes.create, 0u);
  EXPECT_TRUE(changes.remove.empty());
}

TEST(ReplicaSetPlan, ARoundIsBounded) {
  EXPECT_EQ(plan_replicas(10'000, {}, {}, at(0)).create, kBurst);
  const auto pods = make_pods(kBurst + 7);
  EXPECT_EQ(plan_replicas(0, pods, pods, at(0)).remove.size(), kBurst);
}

TEST(ReplicaSetPlan, RemovesFromTheNodeWhereRelatedPodsCrowd) {
  const auto here = pod_ref({.name = "here", .node = "n1"});
  const auto there = pod_ref({.name = "there", .node = "n2"});
  const auto sibling = pod_ref({.name = "sibling", .node = "n2"});
  const auto changes = plan_replicas(1, {here, there}, {here, there, sibling}, at(0));
  ASSERT_EQ(changes.remove.size(), 1u);
  EXPECT_EQ(changes.remove[0]->metadata.name, "there");
}

TEST(ReplicaSetPlan, CountsLabeledReadyAndAvailable) {
  const std::vector<PodRef> pods = {
      pod_ref({.name = "a", .ready_since = 0}),
      pod_ref({.name = "b", .ready_since = 95}),
      pod_ref({.name = "c", .ready = false}),
      pod_ref({.name = "d", .labels = {{"app", "web"}, {"extra", "1"}}}),
  };
  const auto counts = count_pods(pods, {{"app", "web"}, {"extra", "1"}}, seconds(10), at(100));
  EXPECT_EQ(counts.replicas, 4);
  EXPECT_EQ(counts.fully_labeled, 1);
  EXPECT_EQ(counts.ready, 3);
  EXPECT_EQ(counts.available, 2);
}

TEST(ReplicaSetPlan, StatusSaysWhyPodsCouldNotBeMadeUntilTheyCan) {
  apps_v1::ReplicaSet set;
  set.metadata.generation = 4;
  Changes changes;
  changes.create = 2;
  const Result<void> failed = errors::forbidden("pods", "", "exceeded quota");
  set.status = plan_status(set, {.replicas = 1}, changes, failed, at(7));
  ASSERT_EQ(set.status.conditions.size(), 1u);
  const auto& condition = set.status.conditions[0];
  EXPECT_EQ(condition.type, "ReplicaFailure");
  EXPECT_EQ(condition.status, "True");
  EXPECT_EQ(condition.reason, "FailedCreate");
  EXPECT_EQ(condition.message, failed.error().message);
  EXPECT_EQ(condition.last_transition_time.value, at(7));
  EXPECT_EQ(set.status.observed_generation, 4);
  EXPECT_EQ(set.status.replicas, 1);
  // The same failure again changes nothing; success takes the condition away.
  EXPECT_EQ(plan_status(set, {.replicas = 1}, changes, failed, at(99)), set.status);
  EXPECT_TRUE(plan_status(set, {.replicas = 3}, {}, {}, at(99)).conditions.empty());
}

}  // namespace
}  // namespace pinnace::controllers::replica_set
