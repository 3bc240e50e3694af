#include "controllers/deployment/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "base/rng.h"
#include "controllers/support/testing.h"

namespace pinnace::controllers::deployment {
namespace {

using controllers::testing::at;
using controllers::testing::from;
using controllers::testing::pod_ref;
using controllers::testing::ref;

Deployment make_deployment(int replicas, const std::string& strategy = "") {
  return from<Deployment>(R"({"metadata":{"name":"web","uid":"d"},"spec":{"replicas":)" +
                          std::to_string(replicas) + R"(,"strategy":{"type":"RollingUpdate")" +
                          (strategy.empty() ? "" : ",\"rollingUpdate\":" + strategy) + "}}}");
}
Deployment recreating(int replicas) {
  auto deployment = make_deployment(replicas);
  deployment.spec.strategy.type = "Recreate";
  return deployment;
}

SetRef make_set(const std::string& name, int replicas, int available, int created = 0,
                int sized_for = -1, int maximum = 0) {
  ReplicaSet set;
  set.metadata.name = name;
  set.metadata.uid = "uid-" + name;
  set.metadata.creation_timestamp = to_time(at(created));
  set.spec.replicas = replicas;
  set.status.replicas = replicas;
  set.status.available_replicas = available;
  if (sized_for >= 0) {
    set.metadata.annotations[std::string(kDesiredReplicas)] = std::to_string(sized_for);
    set.metadata.annotations[std::string(kMaxReplicas)] = std::to_string(maximum);
  }
  return ref(std::move(set));
}

std::map<std::string, int> sizes(const std::vector<Scale>& scales) {
  std::map<std::string, int> made;
  for (const auto& scale : scales) made[scale.set->metadata.name] = scale.replicas;
  return made;
}
using Sizes = std::map<std::string, int>;

TEST(DeploymentPlan, SurgeRoundsUpAndUnavailableDown) {
  const auto limits = resolve_limits(make_deployment(10));  // 25% each
  EXPECT_EQ(limits.max_surge, 3);
  EXPECT_EQ(limits.max_unavailable, 2);
  const auto fixed =
      resolve_limits(make_deployment(10, R"({"maxSurge":1,"maxUnavailable":"40%"})"));
  EXPECT_EQ(fixed.max_surge, 1);
  EXPECT_EQ(fixed.max_unavailable, 4);
  const auto none = resolve_limits(make_deployment(2, R"({"maxSurge":0,"maxUnavailable":"10%"})"));
  EXPECT_EQ(none.max_surge, 0);
  EXPECT_EQ(none.max_unavailable, 1);
  EXPECT_EQ(resolve_limits(recreating(4)).max_surge, 0);
}

TEST(DeploymentPlan, ANewSetGetsWhatTheSurgeLeaves) {
  const auto deployment = make_deployment(10);
  EXPECT_EQ(new_set_size(deployment, {}), 10);
  EXPECT_EQ(new_set_size(deployment, {nullptr, {make_set("old", 10, 10)}}), 3);
  EXPECT_EQ(new_set_size(deployment, {make_set("new", 3, 0), {make_set("old", 8, 8)}}), 5);
  EXPECT_EQ(new_set_size(deployment, {make_set("new", 12, 12), {}}), 10);
}

TEST(DeploymentPlan, OldSetsShrinkWhenTheNewOneNeedsNothing) {
  const auto deployment = make_deployment(10);  // 8 must be available
  const Sets sets{make_set("new", 3, 0, 100), {make_set("old", 10, 10)}};
  EXPECT_EQ(sizes(plan_rolling_update(deployment, sets)), (Sizes{{"old", 8}}));
  const Sets later{make_set("new", 5, 2, 100), {make_set("old", 8, 8)}};
  EXPECT_EQ(sizes(plan_rolling_update(deployment, later)), (Sizes{{"old", 6}}));
  const Sets waits{make_set("new", 5, 0, 100), {make_set("old", 8, 8)}};
  EXPECT_TRUE(plan_rolling_update(deployment, waits).empty());
}

TEST(DeploymentPlan, BrokenOldPodsGoFirst) {
  const auto deployment = make_deployment(10);
  const Sets sets{make_set("new", 3, 0, 100),
                  {make_set("older", 4, 0, 1), make_set("old", 6, 6, 2)}};
  // 13 pods, 8 must be available, 3 new ones are not: 2 may go, and they are those that are broken.
  EXPECT_EQ(sizes(plan_rolling_update(deployment, sets)), (Sizes{{"older", 2}}));
}

TEST(DeploymentPlan, WhatASetWillLoseIsNotAvailable) {
  const auto deployment = make_deployment(10);  // 8 must be available
  // The old set was told to shrink to 6 and its status still speaks of 8.
  const Sets sets{make_set("new", 7, 3, 100), {make_set("old", 6, 8)}};
  EXPECT_EQ(sizes(plan_rolling_update(deployment, sets)), (Sizes{{"old", 5}}));
}

TEST(DeploymentPlan, RecreateEmptiesOldSetsAndWaitsForTheirPods) {
  const Sets sets{nullptr, {make_set("a", 2, 2), make_set("b", 0, 0)}};
  EXPECT_EQ(sizes(plan_recreate(sets)), (Sizes{{"a", 0}}));
  auto pod = controllers::testing::make_pod({.name = "p"});
  meta_v1::OwnerReference owner;
  owner.uid = "uid-a";
  owner.controller = true;
  pod.metadata.owner_references = {owner};
  EXPECT_TRUE(old_pods_running(sets, {ref(pod)}));
  pod.status.phase = "Succeeded";
  EXPECT_FALSE(old_pods_running(sets, {ref(pod)}));
}

TEST(DeploymentPlan, ScalingInARolloutKeepsTheProportion) {
  // The example of the documentation: 10 replicas, maxSurge 3, maxUnavailable 2, then 15.
  auto deployment = make_deployment(15, R"({"maxSurge":3,"maxUnavailable":2})");
  const Sets sets{make_set("new", 5, 0, 100, 10, 13), {make_set("old", 8, 8, 0, 10, 13)}};
  EXPECT_TRUE(is_scaling(deployment, sets));
  EXPECT_EQ(sizes(plan_scaling(deployment, sets)), (Sizes{{"old", 11}, {"new", 7}}));
  deployment.spec.replicas = 0;
  EXPECT_EQ(sizes(plan_scaling(deployment, sets)), (Sizes{{"old", 0}, {"new", 0}}));
}

TEST(DeploymentPlan, TheOnlyActiveSetTakesTheWholeSize) {
  const auto deployment = make_deployment(4);
  const Sets sets{make_set("new", 3, 3, 100, 3, 4), {make_set("old", 0, 0)}};
  EXPECT_EQ(sizes(plan_scaling(deployment, sets)), (Sizes{{"new", 4}}));
  const Sets idle{make_set("new", 0, 0, 100), {make_set("old", 0, 0)}};
  EXPECT_EQ(sizes(plan_scaling(deployment, idle)), (Sizes{{"new", 4}}));
}

TEST(DeploymentPlan, ASaturatedNewSetEmptiesTheOldOnes) {
  const Sets sets{make_set("new", 4, 4, 100, 4, 5), {make_set("old", 2, 2, 0, 4, 5)}};
  EXPECT_EQ(sizes(plan_scaling(make_deployment(4), sets)), (Sizes{{"old", 0}}));
}

TEST(DeploymentPlan, HistoryBeyondTheLimitIsRemovedOldestFirst) {
  auto deployment = make_deployment(1);
  deployment.spec.revision_history_limit = 2;
  Sets sets;
  for (int revision : {3, 1, 4, 2}) {
    auto set = *make_set("r" + std::to_string(revision), revision == 1 ? 1 : 0, 0);
    set.metadata.annotations[std::string(kRevision)] = std::to_string(revision);
    sets.old.push_back(ref(std::move(set)));
  }
  const auto removed = plan_cleanup(deployment, sets);
  ASSERT_EQ(removed.size(), 1u);  // r1 still has replicas.
  EXPECT_EQ(removed[0]->metadata.name, "r2");
  deployment.spec.revision_history_limit = 10;
  EXPECT_TRUE(plan_cleanup(deployment, sets).empty());
}

// Many rollouts with chance in them: which pods become ready, and when.
TEST(DeploymentPlan, ARolloutKeepsItsPromisesAndEnds) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    const auto rng = seeded_rng(seed);
    const int replicas = static_cast<int>(rng->below(20)) + 1;
    const auto share = [&] { return '"' + std::to_string(rng->below(101)) + "%\""; };
    const auto deployment = make_deployment(
        replicas, R"({"maxSurge":)" + share() + R"(,"maxUnavailable":)" + share() + '}');
    const auto limits = resolve_limits(deployment);
    int old_size = replicas, new_size = 0, new_available = 0;
    int steps = 0;
    while ((old_size > 0 || new_available < replicas) && ++steps < 1000) {
      const Sets sets{make_set("new", new_size, new_available, 100),
                      {make_set("old", old_size, old_size)}};
      for (const auto& scale : plan_rolling_update(deployment, sets)) {
        (scale.set == sets.current ? new_size : old_size) = scale.replicas;
      }
      new_available = std::min(new_available, new_size);
      ASSERT_LE(old_size + new_size, replicas + limits.max_surge) << "seed " << seed;
      ASSERT_GE(old_size + new_available, replicas - limits.max_unavailable) << "seed " << seed;
      if (new_available < new_size && rng->below(2) == 0) {
        new_available +=
            static_cast<int>(rng->below(static_cast<std::uint64_t>(new_size - new_available)) + 1);
      }
    }
    ASSERT_LT(steps, 1000) << "seed " << seed;
    ASSERT_EQ(new_size, replicas) << "seed " << seed;
  }
}

}  // namespace
}  // namespace pinnace::controllers::deployment
