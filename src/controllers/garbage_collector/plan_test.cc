#include "controllers/garbage_collector/plan.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "controllers/garbage_collector/graph.h"
#include "controllers/support/testing.h"

namespace pinnace::controllers::gc {
namespace {

using Action = Verdict::Action;
using Uids = std::vector<std::string>;

meta_v1::ObjectMeta make_meta(const std::string& uid, const Uids& owners = {},
                              const Uids& finalizers = {}, bool leaving = false) {
  meta_v1::ObjectMeta meta;
  meta.uid = uid;
  meta.name = uid;
  meta.namespace_ = "x";
  for (const auto& owner : owners) {
    auto& reference = meta.owner_references.emplace_back();
    reference.uid = owner;
    reference.name = owner;
    reference.kind = owner == "foreign" ? "Foreign" : "Thing";
    reference.block_owner_deletion = true;
  }
  meta.finalizers = finalizers;
  if (leaving) meta.deletion_timestamp = to_time(controllers::testing::at(0));
  return meta;
}

TEST(GarbagePlan, ASolidOwnerKeepsTheObject) {
  EXPECT_EQ(decide(make_meta("a"), {}, false, false).action, Action::kKeep);
  EXPECT_EQ(decide(make_meta("a", {"o"}), {OwnerState::kSolid}, false, false).action,
            Action::kKeep);
  const auto verdict =
      decide(make_meta("a", {"o", "gone", "going"}),
             {OwnerState::kSolid, OwnerState::kAbsent, OwnerState::kWaiting}, false, false);
  EXPECT_EQ(verdict.action, Action::kDropOwners);
  EXPECT_EQ(verdict.uids, (Uids{"gone", "going"}));
}

TEST(GarbagePlan, WithoutOwnersItIsDeletedAsItsFinalizersAsk) {
  const std::vector<OwnerState> absent = {OwnerState::kAbsent};
  EXPECT_EQ(decide(make_meta("a", {"o"}), absent, true, false).action, Action::kDelete);
  EXPECT_EQ(decide(make_meta("a", {"o"}), absent, true, false).propagation, "Background");
  EXPECT_EQ(decide(make_meta("a", {"o"}, {"orphan"}), absent, true, false).propagation, "Orphan");
  EXPECT_EQ(decide(make_meta("a", {"o"}, {"foregroundDeletion"}), absent, true, false).propagation,
            "Foreground");
}

TEST(GarbagePlan, AWaitingOwnerMakesItsDependentsGoInTheForeground) {
  const std::vector<OwnerState> waiting = {OwnerState::kWaiting};
  auto verdict = decide(make_meta("a", {"o"}), waiting, true, false);
  EXPECT_EQ(verdict.propagation, "Foreground");
  EXPECT_FALSE(verdict.unblock);
  EXPECT_EQ(decide(make_meta("a", {"o"}), waiting, false, false).propagation, "Background");
  EXPECT_TRUE(decide(make_meta("a", {"o"}), waiting, true, true).unblock);
}

struct GarbageGraphTest : ::testing::Test {
  Wakes observe(const meta_v1::ObjectMeta& meta, std::uint32_t seen = 1) {
    Wakes wakes;
    graph.observe(0, meta, seen, wakes);
    return wakes;
  }
  Wakes gone(const std::string& uid) {
    Wakes wakes;
    graph.gone(uid, wakes);
    std::sort(wakes.look.begin(), wakes.look.end());
    return wakes;
  }
  Graph graph{[](const meta_v1::OwnerReference& owner, const std::string& ns) {
    return owner.kind == "Foreign" ? Place{} : Place{0, ns, owner.name};
  }};
};

TEST_F(GarbageGraphTest, WhatOwnsNothingAndIsOwnedByNobodyIsNotKept) {
  observe(make_meta("a"));
  EXPECT_EQ(graph.size(), 0u);
}

TEST_F(GarbageGraphTest, AnUnknownOwnerIsVerifiedOnce) {
  EXPECT_EQ(observe(make_meta("a", {"o"})).verify, Uids{"o"});
  EXPECT_TRUE(observe(make_meta("b", {"o"})).verify.empty());
  EXPECT_EQ(graph.find("o")->presence, Presence::kNamed);
  observe(make_meta("o"));
  EXPECT_EQ(graph.find("o")->presence, Presence::kPresent);
  EXPECT_TRUE(observe(make_meta("c", {"o"})).verify.empty());
}

TEST_F(GarbageGraphTest, AForeignOwnerIsLeftAlone) {
  EXPECT_TRUE(observe(make_meta("a", {"foreign"})).verify.empty());
  EXPECT_EQ(graph.find("foreign")->presence, Presence::kForeign);
}

TEST_F(GarbageGraphTest, WhenAnOwnerIsGoneItsDependentsAreLookedAt) {
  for (const char* uid : {"a", "b"}) observe(make_meta(uid, {"o"}));
  observe(make_meta("o"));
  EXPECT_EQ(gone("o").look, (Uids{"a", "b"}));
  // One that comes later too.
  EXPECT_EQ(observe(make_meta("late", {"o"})).look, Uids{"late"});
  for (const char* uid : {"a", "b", "late"}) gone(uid);
  EXPECT_EQ(graph.size(), 0u);
}

TEST_F(GarbageGraphTest, ForegroundDeletionWakesDependentsAndTheirEndTheOwner) {
  observe(make_meta("a", {"o"}));
  auto wakes = observe(make_meta("o", {}, {"foregroundDeletion"}, true));
  EXPECT_EQ(wakes.look, (Uids{"o", "a"}));
  EXPECT_TRUE(graph.find("o")->foreground);
  EXPECT_EQ(gone("a").look, Uids{"o"});
}

TEST_F(GarbageGraphTest, OrphaningIsAskedFor) {
  observe(make_meta("a", {"o"}));
  EXPECT_EQ(observe(make_meta("o", {}, {"orphan"}, true)).orphan, Uids{"o"});
  observe(make_meta("a"));  // Let go.
  EXPECT_EQ(graph.find("a"), nullptr);
}

TEST_F(GarbageGraphTest, AListSweepsWhatItDoesNotName) {
  observe(make_meta("a", {"o"}), 1);
  observe(make_meta("o"), 1);
  observe(make_meta("a", {"o"}), 2);
  Wakes wakes;
  graph.sweep(0, 2, wakes);
  EXPECT_EQ(wakes.look, Uids{"a"});
  EXPECT_EQ(graph.find("o")->presence, Presence::kAbsent);
}

}  // namespace
}  // namespace pinnace::controllers::gc
