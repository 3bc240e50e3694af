#include "controllers/cluster_role_aggregation/plan.h"

#include "controllers/support/testing.h"

namespace pinnace::controllers::cluster_role_aggregation {
namespace {

using testing::from;
using testing::ref;

const char kGathers[] = R"({"metadata":{"name":"all","labels":{"to":"all"}},"aggregationRule":{
  "clusterRoleSelectors":[{"matchLabels":{"to":"all"}},
                          {"matchExpressions":[{"key":"also","operator":"Exists"}]}]}})";

std::shared_ptr<const Role> role(const std::string& name, const std::string& labels,
                                 const std::string& resource) {
  return ref(from<Role>(R"({"metadata":{"name":")" + name + R"(","labels":{)" + labels +
                        R"(}},"rules":[{"verbs":["get"],"apiGroups":[""],"resources":[")" +
                        resource + R"("]}]})"));
}

TEST(ClusterRoleAggregation, GathersEachRuleOfTheOthersOnce) {
  const auto gathers = ref(from<Role>(kGathers));
  const auto rules = gather(
      *gathers, {gathers, role("a", R"("to":"all")", "pods"), role("b", R"("also":"")", "nodes"),
                 role("c", R"("to":"all","also":"")", "pods"), role("d", "", "secrets")});
  ASSERT_TRUE(rules);
  ASSERT_EQ(rules->size(), 2U);
  EXPECT_EQ((*rules)[0].resources, std::vector<std::string>{"pods"});
  EXPECT_EQ((*rules)[1].resources, std::vector<std::string>{"nodes"});
}

TEST(ClusterRoleAggregation, LeavesAloneWhatIsRight) {
  auto gathers = from<Role>(kGathers);
  const auto other = role("a", R"("to":"all")", "pods");
  gathers.rules = other->rules;
  EXPECT_FALSE(gather(gathers, {other}));
  EXPECT_TRUE(gather(gathers, {})->empty());
  EXPECT_FALSE(gather(*other, {other}));
}

}  // namespace
}  // namespace pinnace::controllers::cluster_role_aggregation
