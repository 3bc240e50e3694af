#include "controllers/resource_quota/plan.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "api/typed.h"
#include "controllers/support/testing.h"

namespace pinnace::controllers::quotas {
namespace {

core_v1::ResourceQuota quota_of(std::string_view spec) {
  auto quota = api::from_json<core_v1::ResourceQuota>(R"({"spec":)" + std::string(spec) + "}");
  EXPECT_TRUE(quota);
  return std::move(*quota);
}

// The status after these objects, each with its resource.
std::string used(std::string_view spec,
                 const std::vector<std::pair<std::string, std::string>>& objects) {
  api::Arena arena;
  const auto parsed = api::parse_json(arena, spec);
  Count count(quota_of(spec), *parsed, controllers::testing::at(0));
  for (const auto& [resource, json] : objects) {
    count.add("", resource, *api::parse_json(arena, json));
  }
  std::string out;
  for (const auto& [name, amount] : count.status().used) out += name + "=" + amount.format() + " ";
  return out;
}

TEST(ResourceQuotaPlan, AsksOnlyForKindsThatAreCounted) {
  const auto subjects =
      subjects_of(quota_of(R"({"hard":{"pods":"1","requests.cpu":"1","services.nodeports":"1",)"
                           R"("count/deployments.apps":"1","requests.storage":"1Gi"}})"));
  const std::set<std::pair<std::string, std::string>> kWanted = {
      {"", "pods"}, {"", "persistentvolumeclaims"}, {"", "services"}, {"apps", "deployments"}};
  EXPECT_EQ(subjects, kWanted);
}

TEST(ResourceQuotaPlan, CountsWhatIsThereAndNotWhatHasEnded) {
  EXPECT_EQ(
      used(R"({"hard":{"pods":"9","requests.cpu":"9","requests.memory":"9Gi"}})",
           {{"pods", R"({"spec":{"containers":[{"resources":{"requests":{"cpu":"500m"}}}]}})"},
            {"pods", R"({"spec":{"containers":[{"resources":{"requests":{"cpu":"2"}}}]},)"
                     R"("status":{"phase":"Succeeded"}})"}}),
      "pods=1 requests.cpu=500m requests.memory=0 ");
}

TEST(ResourceQuotaPlan, CountsWithinItsScopesOnly) {
  EXPECT_EQ(used(R"({"hard":{"pods":"9"},"scopes":["BestEffort"]})",
                 {{"pods", R"({"spec":{"containers":[{}]}})"},
                  {"pods", R"({"spec":{"containers":[{"resources":{"requests":{"cpu":"2"}}}]}})"}}),
            "pods=1 ");
}

TEST(ResourceQuotaPlan, CountsEveryNodePort) {
  EXPECT_EQ(
      used(R"({"hard":{"services":"9","services.nodeports":"9","services.loadbalancers":"9"}})",
           {{"services", R"({"spec":{"type":"NodePort","ports":[{},{}]}})"},
            {"services", R"({"spec":{"type":"LoadBalancer","ports":[{}]}})"}}),
      "services=2 services.loadbalancers=1 services.nodeports=3 ");
}

}  // namespace
}  // namespace pinnace::controllers::quotas
