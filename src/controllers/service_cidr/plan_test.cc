#include "controllers/service_cidr/plan.h"

#include "controllers/support/testing.h"

namespace pinnace::controllers::service_cidr {
namespace {

using testing::at;
using testing::from;
using testing::text_of;
using Finalizer = Plan::Finalizer;

constexpr char kProtected[] = R"(,"finalizers":["networking.k8s.io/service-cidr-finalizer"])";

RangeRef range(const std::string& name, const std::string& cidrs, const std::string& more = "") {
  return testing::ref(from<ServiceCIDR>(R"({"metadata":{"name":")" + name + '"' + more +
                                        R"(},"spec":{"cidrs":[)" + cidrs + "]}}"));
}
RangeRef going(const std::string& name, const std::string& cidrs) {
  return range(name, cidrs, kProtected + std::string(R"(,"deletionTimestamp":)") + text_of(at(0)));
}
AddressRef address(const std::string& name, const std::string& manager = std::string(kManager)) {
  return testing::ref(from<IPAddress>(R"({"metadata":{"name":")" + name +
                                      R"(","labels":{"ipaddress.kubernetes.io/managed-by":")" +
                                      manager + "\"}}}"));
}

TEST(ServiceCidrPlan, ProtectsANewRangeAndCallsItReady) {
  const auto fresh = range("a", "\"10.0.0.0/24\"");
  const Plan plan = service_cidr::plan(*fresh, {fresh}, {}, at(0));
  EXPECT_EQ(plan.finalizer, Finalizer::kAdd);
  ASSERT_TRUE(plan.condition);
  EXPECT_EQ(plan.condition->status, "True");
  EXPECT_EQ(plan.condition->message, "Kubernetes Service CIDR is ready");
  auto settled = *range("a", "\"10.0.0.0/24\"", kProtected);
  settled.status.conditions = {*plan.condition};
  const Plan nothing = service_cidr::plan(settled, {}, {}, at(5));
  EXPECT_EQ(nothing.finalizer, Finalizer::kKeep);
  EXPECT_FALSE(nothing.condition);
}

TEST(ServiceCidrPlan, KeepsARangeWhileOnlyItHasAnAddress) {
  const auto one = going("a", "\"10.0.0.0/24\"");
  const Plan plan = service_cidr::plan(*one, {one}, {address("10.0.0.9")}, at(60));
  EXPECT_EQ(plan.finalizer, Finalizer::kKeep);
  ASSERT_TRUE(plan.condition);
  EXPECT_EQ(plan.condition->status, "False");
  EXPECT_EQ(plan.condition->reason, "Terminating");
  // Its network's own address, others' addresses and those of others' making do not count.
  for (const auto& other : {address("10.0.0.0"), address("10.0.0.255"), address("10.0.1.9"),
                            address("10.0.0.9", "somebody")}) {
    EXPECT_EQ(service_cidr::plan(*one, {one}, {other}, at(60)).finalizer, Finalizer::kRemove);
  }
}

TEST(ServiceCidrPlan, LetsGoOfARangeOnceTheServersKnow) {
  const auto one = going("a", "\"10.0.0.0/24\"");
  EXPECT_EQ(service_cidr::plan(*one, {one}, {}, at(4)).again, std::chrono::seconds(6));
  EXPECT_EQ(service_cidr::plan(*one, {one}, {}, at(4)).finalizer, Finalizer::kKeep);
  EXPECT_EQ(service_cidr::plan(*one, {one}, {}, at(10)).finalizer, Finalizer::kRemove);
}

TEST(ServiceCidrPlan, NeedsNoRangeThatOthersHave) {
  const auto one = going("a", "\"10.0.0.0/24\",\"fd00::/112\"");
  const std::vector<AddressRef> used = {address("10.0.0.9"), address("fd00::9")};
  const auto wide = range("b", "\"10.0.0.0/16\"");
  const auto six = range("c", "\"fd00::/112\"");
  EXPECT_EQ(service_cidr::plan(*one, {one, wide}, used, at(60)).finalizer, Finalizer::kKeep);
  EXPECT_EQ(service_cidr::plan(*one, {one, wide, six}, used, at(60)).finalizer, Finalizer::kRemove);
  // A smaller one does if it has the addresses that there are.
  const auto small = range("d", "\"10.0.0.8/29\"");
  EXPECT_EQ(service_cidr::plan(*one, {one, small}, {address("10.0.0.9")}, at(60)).finalizer,
            Finalizer::kRemove);
  EXPECT_TRUE(overlap(*one, *small));
  EXPECT_FALSE(overlap(*wide, *six));
}

}  // namespace
}  // namespace pinnace::controllers::service_cidr
