#include "controllers/namespace/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::namespaces {
namespace {

using controllers::testing::at;

const core_v1::NamespaceCondition& find(const std::vector<core_v1::NamespaceCondition>& all,
                                        const std::string& type) {
  for (const auto& condition : all) {
    if (condition.type == type) return condition;
  }
  ADD_FAILURE() << "no condition " << type;
  return all.front();
}

TEST(NamespacePlan, SaysWhatRemainsAndWhy) {
  Contents contents;
  contents.remaining = {{"pods.", 2}, {"deployments.apps", 1}};
  contents.finalizers = {{"example.com/keep", 2}};
  contents.failures = {"secrets: no"};
  const auto conditions = plan_conditions({}, contents, at(0));
  EXPECT_EQ(conditions.size(), 5u);
  const auto& content = find(conditions, "NamespaceContentRemaining");
  EXPECT_EQ(content.status, "True");
  EXPECT_EQ(content.reason, "SomeResourcesRemain");
  EXPECT_EQ(content.message,
            "Some resources are remaining: deployments.apps has 1 resource instances, pods. has 2 "
            "resource instances");
  const auto& finalizers = find(conditions, "NamespaceFinalizersRemaining");
  EXPECT_EQ(finalizers.reason, "SomeFinalizersRemain");
  EXPECT_EQ(finalizers.message,
            "Some content in the namespace has finalizers remaining: example.com/keep in 2 "
            "resource instances");
  EXPECT_EQ(find(conditions, "NamespaceDeletionContentFailure").reason, "ContentDeletionFailed");
  EXPECT_EQ(find(conditions, "NamespaceDeletionDiscoveryFailure").status, "False");
}

TEST(NamespacePlan, ConditionsKeepTheirTimeWhileTheyHold) {
  Contents contents;
  contents.remaining = {{"pods.", 2}};
  auto conditions = plan_conditions({}, contents, at(0));
  contents.remaining = {{"pods.", 1}};
  conditions = plan_conditions(conditions, contents, at(10));
  EXPECT_EQ(find(conditions, "NamespaceContentRemaining").last_transition_time.value, at(0));
  conditions = plan_conditions(conditions, {}, at(20));
  EXPECT_EQ(find(conditions, "NamespaceContentRemaining").last_transition_time.value, at(20));
  EXPECT_EQ(find(conditions, "NamespaceContentRemaining").reason, "ContentRemoved");
  EXPECT_EQ(conditions.size(), 5u);
}

}  // namespace
}  // namespace pinnace::controllers::namespaces
