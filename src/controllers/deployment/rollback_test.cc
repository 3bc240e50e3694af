#include "controllers/deployment/rollback.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::deployment {
namespace {

using controllers::testing::ref;

struct DeploymentRollbackTest : ::testing::Test {
  DeploymentRollbackTest() {
    deployment.metadata.name = "web";
    for (int revision = 1; revision <= 3; ++revision) {
      deployment.spec.template_.spec.containers.resize(1);
      deployment.spec.template_.spec.containers[0].image = "app:" + std::to_string(revision);
      deployment.metadata.annotations["change"] = std::to_string(revision);
      if (sets.current) sets.old.push_back(std::move(sets.current));
      sets.current = ref(make_set(deployment, sets, 1, 1));
    }
  }
  Rollback roll_back_to(const std::string& revision) {
    deployment.metadata.annotations[std::string(kRollbackTo)] = revision;
    auto plan = plan_rollback(deployment, sets);
    EXPECT_FALSE(plan.updated.metadata.annotations.contains(kRollbackTo));
    return plan;
  }
  Deployment deployment;
  Sets sets;
};

TEST_F(DeploymentRollbackTest, TakesTemplateAndAnnotationsOfTheRevision) {
  const auto plan = roll_back_to("1");
  EXPECT_TRUE(plan.rolled_back);
  EXPECT_EQ(plan.reason, "DeploymentRollback");
  EXPECT_EQ(plan.message, "Rolled back deployment \"web\" to revision 1");
  EXPECT_TRUE(same_template(plan.updated.spec.template_, sets.old[0]->spec.template_));
  EXPECT_FALSE(plan.updated.spec.template_.metadata.labels.contains(kHashLabel));
  EXPECT_EQ(plan.updated.metadata.annotations.at("change"), "1");
  EXPECT_FALSE(plan.updated.metadata.annotations.contains(kDesiredReplicas));
}

TEST_F(DeploymentRollbackTest, ZeroIsTheOneBefore) {
  const auto plan = roll_back_to("0");
  EXPECT_TRUE(plan.rolled_back);
  EXPECT_EQ(plan.updated.spec.template_.spec.containers[0].image, "app:2");
}

TEST_F(DeploymentRollbackTest, WhatCannotBeDoneIsSaidAndTheRequestDropped) {
  EXPECT_EQ(roll_back_to("9").message, "Unable to find the revision to rollback to.");
  const auto unchanged = roll_back_to("3");
  EXPECT_EQ(unchanged.reason, "DeploymentRollbackTemplateUnchanged");
  EXPECT_FALSE(unchanged.rolled_back);
  sets.old.clear();
  EXPECT_EQ(roll_back_to("0").message, "Unable to find last revision.");
}

}  // namespace
}  // namespace pinnace::controllers::deployment
