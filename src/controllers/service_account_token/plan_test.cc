#include "controllers/service_account_token/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/testing.h"

namespace pinnace::controllers::service_account_token {
namespace {

using controllers::testing::from;
using core_v1::Secret;
using core_v1::ServiceAccount;

ServiceAccount account() {
  return from<ServiceAccount>(
      R"({"metadata":{"name":"robot","namespace":"ns","uid":"u1"},
          "secrets":[{"name":"other"},{"name":"robot-token"}]})");
}
Secret secret(const std::string& type = std::string(kSecretType)) {
  return from<Secret>(
      R"({"metadata":{"name":"robot-token","namespace":"ns",
          "annotations":{"kubernetes.io/service-account.name":"robot"}},"type":")" +
      type + "\"}");
}
Result<std::string> sign(std::string_view claims) { return "signed " + std::string(claims); }

TEST(ServiceAccountToken, FillsWhatIsMissing) {
  const auto filled = fill(secret(), account(), "root", sign);
  ASSERT_TRUE(filled && *filled);
  const auto& data = (*filled)->data;
  EXPECT_EQ(data.at("ca.crt"), "root");
  EXPECT_EQ(data.at("namespace"), "ns");
  EXPECT_EQ(data.at("token"), R"(signed {"iss":"kubernetes/serviceaccount",)"
                              R"("kubernetes.io/serviceaccount/namespace":"ns",)"
                              R"("kubernetes.io/serviceaccount/secret.name":"robot-token",)"
                              R"("kubernetes.io/serviceaccount/service-account.name":"robot",)"
                              R"("kubernetes.io/serviceaccount/service-account.uid":"u1",)"
                              R"("sub":"system:serviceaccount:ns:robot"})");
  EXPECT_EQ((*filled)->metadata.annotations.at("kubernetes.io/service-account.uid"), "u1");
}

TEST(ServiceAccountToken, LeavesAFullSecretAloneButForANewRoot) {
  const auto filled = fill(secret(), account(), "root", sign);
  const auto again = fill(**filled, account(), "root", sign);
  EXPECT_TRUE(again && !*again);
  const auto renewed = fill(**filled, account(), "new root", sign);
  ASSERT_TRUE(renewed && *renewed);
  EXPECT_EQ((*renewed)->data.at("ca.crt"), "new root");
  EXPECT_EQ((*renewed)->data.at("token"), (*filled)->data.at("token"));
}

TEST(ServiceAccountToken, KnowsWhoseASecretIs) {
  EXPECT_EQ(account_of(secret()), "robot");
  EXPECT_EQ(account_of(secret("Opaque")), "");
  EXPECT_TRUE(is_for(secret(), account()));
  auto of_another = secret();
  of_another.metadata.annotations["kubernetes.io/service-account.uid"] = "u0";
  EXPECT_FALSE(is_for(of_another, account()));
}

TEST(ServiceAccountToken, DropsReferencesToASecret) {
  const auto without = without_secret(account(), "robot-token");
  ASSERT_TRUE(without);
  ASSERT_EQ(without->secrets.size(), 1u);
  EXPECT_EQ(without->secrets[0].name, "other");
  EXPECT_FALSE(without_secret(account(), "unknown"));
}

}  // namespace
}  // namespace pinnace::controllers::service_account_token
