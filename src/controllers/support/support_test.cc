#include <gtest/gtest.h>

#include "controllers/support/expectations.h"
#include "controllers/support/owners.h"
#include "controllers/support/selectors.h"
#include "controllers/support/slow_start.h"
#include "controllers/support/taints.h"
#include "controllers/support/testing.h"

namespace pinnace::controllers {
namespace {

using testing::at;
using testing::from;
using testing::make_pod;
using testing::names_of;
using testing::pod_ref;
using testing::ref;
using Names = std::vector<std::string>;

MonotonicTime second(std::int64_t count) { return {count * 1'000'000'000}; }

TEST(Expectations, OwnerWaitsUntilItsWritesAreSeen) {
  Expectations expectations;
  EXPECT_TRUE(expectations.satisfied("a", second(0)));
  expectations.begin_creation();
  expectations.end_creation("a", "new", second(0));
  expectations.expect_deletion("a", "old", second(0));
  expectations.seen("new", false);
  expectations.seen("old", false);  // Not leaving yet.
  EXPECT_FALSE(expectations.satisfied("a", second(1)));
  EXPECT_TRUE(expectations.satisfied("b", second(1)));
  expectations.seen("old", true);
  EXPECT_TRUE(expectations.satisfied("a", second(1)));
}

TEST(Expectations, WhatIsSeenBeforeTheCallReturnsIsNotWaitedFor) {
  Expectations expectations;
  expectations.begin_creation();
  expectations.begin_creation();
  expectations.seen("first", false);
  expectations.gone("second");  // Came and went.
  expectations.end_creation("a", "first", second(0));
  expectations.end_creation("a", "second", second(0));
  EXPECT_TRUE(expectations.satisfied("a", second(0)));
  expectations.begin_creation();
  expectations.end_creation("a", "first", second(0));  // An earlier sight does not count.
  EXPECT_FALSE(expectations.satisfied("a", second(0)));
}

TEST(Expectations, FailedWritesAreNotWaitedFor) {
  Expectations expectations;
  expectations.begin_creation();
  expectations.end_creation("a", "", second(0));
  expectations.expect_deletion("a", "old", second(0));
  expectations.forget_deletion("old");
  EXPECT_TRUE(expectations.satisfied("a", second(0)));
}

TEST(Expectations, PatienceEndsAndOwnersAreForgotten) {
  Expectations expectations;
  expectations.expect_deletion("a", "x", second(0));
  expectations.expect_deletion("b", "y", second(0));
  EXPECT_FALSE(expectations.satisfied("a", second(299)));
  EXPECT_TRUE(expectations.satisfied("a", second(300)));
  expectations.forget("b");
  EXPECT_TRUE(expectations.satisfied("b", second(1)));
}

TEST(Owners, AdoptsWhatMatchesAndReleasesWhatDoesNot) {
  meta_v1::ObjectMeta owner;
  owner.uid = "me";
  const auto pod = [](const std::string& name, const std::string& app, const std::string& uid) {
    auto made = make_pod({.name = name, .labels = {{"app", app}}});
    if (!uid.empty()) {
      meta_v1::OwnerReference reference;
      reference.uid = uid;
      reference.controller = true;
      made.metadata.owner_references = {reference};
    }
    return ref(std::move(made));
  };
  const std::vector<PodRef> pods = {pod("mine", "web", "me"), pod("lost", "db", "me"),
                                    pod("stray", "web", ""), pod("other", "web", "you"),
                                    pod("alien", "db", "")};
  const auto is_web = [](const core_v1::Pod& each) {
    return each.metadata.labels.at("app") == "web";
  };
  auto claims = sort_claims<core_v1::Pod>(owner, pods, is_web);
  EXPECT_EQ(names_of(claims.mine), Names{"mine"});
  EXPECT_EQ(names_of(claims.adopt), Names{"stray"});
  EXPECT_EQ(names_of(claims.release), Names{"lost"});

  owner.deletion_timestamp = to_time(at(0));
  claims = sort_claims<core_v1::Pod>(owner, pods, is_web);
  EXPECT_EQ(names_of(claims.mine), Names{"mine"});
  EXPECT_TRUE(claims.adopt.empty());
  EXPECT_TRUE(claims.release.empty());
}

TEST(Selectors, NoneMatchesNothingAndAnEmptyOneEverything) {
  const Labels web = {{"app", "web"}, {"tier", "front"}};
  EXPECT_FALSE(matches(api::Boxed<meta_v1::LabelSelector>(), web));
  EXPECT_TRUE(matches(meta_v1::LabelSelector{}, web));
  EXPECT_FALSE(matches(Labels{}, web));  // A Service's.
  EXPECT_TRUE(matches(Labels{{"app", "web"}}, web));
  EXPECT_FALSE(matches(Labels{{"app", "db"}}, web));
  const auto selector = from<meta_v1::LabelSelector>(
      R"({"matchLabels":{"app":"web"},"matchExpressions":[{"key":"tier","operator":"In","values":["back"]}]})");
  EXPECT_FALSE(matches(selector, web));
}

TEST(Taints, TolerationsMatchByKeyValueAndEffect) {
  core_v1::Taint taint;
  taint.key = "gpu";
  taint.value = "a100";
  taint.effect = "NoSchedule";
  const auto tolerates_with = [&](const std::string& json) {
    return tolerates(from<core_v1::Toleration>(json), taint);
  };
  EXPECT_TRUE(tolerates_with(R"({"operator":"Exists"})"));
  EXPECT_TRUE(tolerates_with(R"({"key":"gpu","operator":"Exists","effect":"NoSchedule"})"));
  EXPECT_TRUE(tolerates_with(R"({"key":"gpu","value":"a100"})"));
  EXPECT_FALSE(tolerates_with(R"({"key":"gpu","value":"t4"})"));
  EXPECT_FALSE(tolerates_with(R"({"key":"gpu","operator":"Exists","effect":"NoExecute"})"));
  EXPECT_FALSE(tolerates_with(R"({"key":"disk","operator":"Exists"})"));
}

TEST(SlowStart, DoublesBatchesAndStopsAfterOneThatFails) {
  int calls = 0;
  EXPECT_TRUE(slow_start(10, [&]() -> Result<void> {
    ++calls;
    return {};
  }));
  EXPECT_EQ(calls, 10);
  calls = 0;
  const auto failed = slow_start(100, [&]() -> Result<void> {
    if (++calls == 3) return errors::forbidden("pods", "", "quota");
    return {};
  });
  EXPECT_FALSE(failed);
  EXPECT_EQ(calls, 3);  // 1, then the batch of 2 in which one failed.
}

TEST(Pods, ScaleDownRemovesTheLeastUsefulFirst) {
  const std::vector<PodRef> pods = {
      pod_ref({.name = "old-ready", .node = "n2", .ready_since = 0}),
      pod_ref({.name = "young-ready", .node = "n2", .ready_since = 3500}),
      pod_ref({.name = "restarts", .node = "n2", .ready_since = 0, .restarts = 9}),
      pod_ref({.name = "cheap", .node = "n2", .deletion_cost = "-5"}),
      pod_ref({.name = "crowded-1", .node = "n1"}),
      pod_ref({.name = "crowded-2", .node = "n1"}),
      pod_ref({.name = "crowded-3", .node = "n1"}),
      pod_ref({.name = "crowded-4", .node = "n1"}),
      pod_ref({.name = "crowded-5", .node = "n1"}),
      pod_ref({.name = "not-ready", .ready = false}),
      pod_ref({.name = "pending", .phase = "Pending", .ready = false}),
      pod_ref({.name = "unassigned", .node = "", .phase = "Pending", .ready = false}),
  };
  const auto removed = names_of(choose_pods_to_remove(pods, pods, 11, at(3600)));
  EXPECT_EQ(removed, (Names{"unassigned", "pending", "not-ready", "cheap", "crowded-1", "crowded-2",
                            "crowded-3", "crowded-4", "crowded-5", "young-ready", "restarts"}));
}

TEST(Pods, OfEqualPodsTheYoungerGoesFirst) {
  const std::vector<PodRef> pods = {pod_ref({.name = "old", .created = 0}),
                                    pod_ref({.name = "young", .created = 3000})};
  EXPECT_EQ(names_of(choose_pods_to_remove(pods, pods, 1, at(3600))), Names{"young"});
}

TEST(Pods, AvailabilityWaitsForMinReadySeconds) {
  const auto ready = pod_ref({.name = "a", .ready_since = 100});
  EXPECT_TRUE(is_available(*ready, seconds(0), at(100)));
  EXPECT_FALSE(is_available(*ready, seconds(30), at(129)));
  EXPECT_TRUE(is_available(*ready, seconds(30), at(130)));
  const auto later = pod_ref({.name = "b", .ready_since = 110});
  const auto broken = pod_ref({.name = "c", .ready = false});
  EXPECT_EQ(next_availability({later, ready, broken}, seconds(30), at(120)), seconds(10));
  EXPECT_EQ(next_availability({ready}, seconds(30), at(500)), Duration::zero());
}

TEST(Pods, ConditionKeepsItsTimeWhileItsStatusStays) {
  auto pod = make_pod({.name = "a", .ready_since = 5});
  core_v1::PodCondition condition;
  condition.type = "Ready";
  condition.status = "True";
  condition.reason = "Again";
  set_condition(pod, condition, at(50));
  ASSERT_EQ(pod.status.conditions.size(), 1u);
  EXPECT_EQ(pod.status.conditions[0].last_transition_time.value, at(5));
  EXPECT_EQ(pod.status.conditions[0].reason, "Again");
  condition.status = "False";
  set_condition(pod, condition, at(50));
  EXPECT_EQ(pod.status.conditions[0].last_transition_time.value, at(50));
}

}  // namespace
}  // namespace pinnace::controllers
