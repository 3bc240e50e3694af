#include "controllers/deployment/status.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::deployment {
namespace {

using controllers::testing::at;
using controllers::testing::ref;

struct DeploymentStatusTest : ::testing::Test {
  DeploymentStatusTest() {
    deployment.metadata.name = "web";
    deployment.metadata.generation = 2;
    deployment.spec.replicas = 4;
    deployment.spec.strategy.type = "RollingUpdate";
    deployment.spec.progress_deadline_seconds = 600;
  }
  static SetRef make_set(const std::string& name, int replicas, int ready) {
    ReplicaSet set;
    set.metadata.name = name;
    set.spec.replicas = replicas;
    set.status.replicas = replicas;
    set.status.ready_replicas = ready;
    set.status.available_replicas = ready;
    return ref(std::move(set));
  }
  // Takes over what is planned; TYPE=STATUS/REASON.
  std::string roll(const Sets& sets, int second, const std::string& type = "Progressing") {
    deployment.status = plan_rollout_status(deployment, sets, at(second));
    const auto* condition = find_condition(deployment.status, type);
    return condition == nullptr ? "" : condition->status + '/' + condition->reason;
  }
  const apps_v1::DeploymentCondition& progressing() const {
    return *find_condition(deployment.status, "Progressing");
  }
  Deployment deployment;
};

TEST_F(DeploymentStatusTest, CountsOldAndNew) {
  const auto status = count_status(deployment, {make_set("new", 2, 1), {make_set("old", 3, 3)}});
  EXPECT_EQ(status.replicas, 5);
  EXPECT_EQ(status.updated_replicas, 2);
  EXPECT_EQ(status.ready_replicas, 4);
  EXPECT_EQ(status.available_replicas, 4);
  EXPECT_EQ(status.unavailable_replicas, 1);
  EXPECT_EQ(status.observed_generation, 2);
}

TEST_F(DeploymentStatusTest, AvailableFollowsMaxUnavailable) {
  EXPECT_EQ(roll({make_set("new", 4, 2), {}}, 0, "Available"), "False/MinimumReplicasUnavailable");
  EXPECT_EQ(find_condition(deployment.status, "Available")->message,
            "Deployment does not have minimum availability.");
  EXPECT_EQ(roll({make_set("new", 4, 3), {}}, 1, "Available"), "True/MinimumReplicasAvailable");
  EXPECT_EQ(find_condition(deployment.status, "Available")->message,
            "Deployment has minimum availability.");
}

TEST_F(DeploymentStatusTest, ProgressIsShownUntilAllIsAvailable) {
  EXPECT_EQ(roll({make_set("new", 1, 0), {make_set("old", 4, 4)}}, 10), "True/ReplicaSetUpdated");
  EXPECT_EQ(progressing().message, "ReplicaSet \"new\" is progressing.");
  EXPECT_EQ(roll({make_set("new", 2, 1), {make_set("old", 3, 3)}}, 20), "True/ReplicaSetUpdated");
  EXPECT_EQ(progressing().last_update_time.value, at(20));
  EXPECT_EQ(progressing().last_transition_time.value, at(10));
  EXPECT_EQ(roll({make_set("new", 4, 4), {make_set("old", 0, 0)}}, 30),
            "True/NewReplicaSetAvailable");
  EXPECT_EQ(progressing().message, "ReplicaSet \"new\" has successfully progressed.");
  // A pod that breaks later is no matter of progress.
  EXPECT_EQ(roll({make_set("new", 4, 3), {}}, 5000), "True/NewReplicaSetAvailable");
}

TEST_F(DeploymentStatusTest, WithoutProgressTheDeadlineEnds) {
  const Sets stuck{make_set("new", 1, 0), {make_set("old", 4, 4)}};
  roll(stuck, 0);
  EXPECT_EQ(next_deadline(deployment, deployment.status, at(100)), seconds(501));
  EXPECT_EQ(roll(stuck, 600), "True/ReplicaSetUpdated");
  EXPECT_EQ(roll(stuck, 601), "False/ProgressDeadlineExceeded");
  EXPECT_EQ(progressing().message, "ReplicaSet \"new\" has timed out progressing.");
  EXPECT_EQ(next_deadline(deployment, deployment.status, at(601)), std::nullopt);
  // Progress after the deadline counts again.
  EXPECT_EQ(roll({make_set("new", 2, 1), {make_set("old", 3, 3)}}, 700), "True/ReplicaSetUpdated");
}

TEST_F(DeploymentStatusTest, WithoutADeadlineThereIsNoProgressCondition) {
  deployment.spec.progress_deadline_seconds.reset();
  EXPECT_EQ(roll({make_set("new", 1, 0), {}}, 0), "");
}

TEST_F(DeploymentStatusTest, PauseAndResumeAreShown) {
  roll({make_set("new", 4, 4), {}}, 0);
  EXPECT_EQ(plan_paused_status(deployment, at(1)), std::nullopt);
  deployment.spec.paused = true;
  auto status = plan_paused_status(deployment, at(1));
  ASSERT_TRUE(status);
  EXPECT_EQ(find_condition(*status, "Progressing")->reason, "DeploymentPaused");
  EXPECT_EQ(find_condition(*status, "Progressing")->status, "Unknown");
  EXPECT_EQ(find_condition(*status, "Progressing")->message, "Deployment is paused");
  deployment.status = *status;
  EXPECT_EQ(plan_paused_status(deployment, at(2)), std::nullopt);
  deployment.spec.paused = false;
  status = plan_paused_status(deployment, at(3));
  ASSERT_TRUE(status);
  EXPECT_EQ(find_condition(*status, "Progressing")->reason, "DeploymentResumed");
}

TEST_F(DeploymentStatusTest, AFailureOfASetIsPassedOn) {
  ReplicaSet failing = *make_set("new", 1, 0);
  auto& failure = failing.status.conditions.emplace_back();
  failure.type = "ReplicaFailure";
  failure.status = "True";
  failure.reason = "FailedCreate";
  failure.message = "exceeded quota";
  EXPECT_EQ(roll({ref(failing), {}}, 0, "ReplicaFailure"), "True/FailedCreate");
  EXPECT_EQ(roll({make_set("new", 1, 0), {}}, 1, "ReplicaFailure"), "");
}

}  // namespace
}  // namespace pinnace::controllers::deployment
