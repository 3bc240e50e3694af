#include "controllers/endpoint_slice_mirroring/plan.h"

#include <gtest/gtest.h>

namespace pinnace::controllers::endpoint_slice_mirroring {
namespace {

core_v1::EndpointAddress address(const std::string& ip) {
  core_v1::EndpointAddress made;
  made.ip = ip;
  return made;
}

core_v1::Endpoints make_endpoints() {
  core_v1::Endpoints made;
  made.metadata.namespace_ = "default";
  made.metadata.name = "db";
  made.metadata.labels = {{"app", "db"}};
  made.metadata.annotations = {{"note", "n"},
                               {"endpoints.kubernetes.io/last-change-trigger-time", "t"}};
  core_v1::EndpointSubset subset;
  core_v1::EndpointPort port;
  port.name = "sql";
  port.port = 5432;
  port.protocol = "TCP";
  subset.ports = {port};
  subset.addresses = {address("10.9.0.1"), address("fd00::1")};
  subset.not_ready_addresses = {address("10.9.0.2")};
  made.subsets = {subset};
  return made;
}

std::vector<SliceRef> stored(const SliceChanges& changes) {
  std::vector<SliceRef> slices;
  for (auto slice : changes.create) {
    slice.metadata.name = "db-" + std::to_string(slices.size());
    slices.push_back(std::make_shared<const EndpointSlice>(slice));
  }
  return slices;
}

TEST(EndpointSliceMirroringPlanTest, HasASliceForEachFamilyOfASubset) {
  const auto changes = plan_mirrors(make_endpoints(), {});
  ASSERT_EQ(changes.create.size(), 2U);
  const EndpointSlice& slice = changes.create[0];
  EXPECT_EQ(slice.address_type, "IPv4");
  EXPECT_EQ(slice.metadata.generate_name, "db-");
  EXPECT_EQ(slice.metadata.labels, (Texts{{"app", "db"},
                                          {"kubernetes.io/service-name", "db"},
                                          {"endpointslice.kubernetes.io/managed-by",
                                           "endpointslicemirroring-controller.k8s.io"}}));
  EXPECT_EQ(slice.metadata.annotations, (Texts{{"note", "n"}}));
  EXPECT_EQ(slice.metadata.owner_references.at(0).kind, "Endpoints");
  ASSERT_EQ(slice.endpoints.size(), 2U);
  EXPECT_EQ(slice.endpoints[0].addresses.at(0), "10.9.0.1");
  EXPECT_EQ(slice.endpoints[0].conditions.ready, true);
  EXPECT_EQ(slice.endpoints[1].conditions.ready, false);
  EXPECT_EQ(slice.ports.at(0).port, 5432);
  EXPECT_EQ(changes.create[1].address_type, "IPv6");
}

TEST(EndpointSliceMirroringPlanTest, WritesOnlyWhatHasChanged) {
  auto endpoints = make_endpoints();
  const auto slices = stored(plan_mirrors(endpoints, {}));
  const auto same = plan_mirrors(endpoints, slices);
  EXPECT_TRUE(same.create.empty() && same.update.empty() && same.remove.empty());
  endpoints.subsets[0].addresses = {address("10.9.0.3")};
  const auto changed = plan_mirrors(endpoints, slices);
  EXPECT_TRUE(changed.create.empty());
  ASSERT_EQ(changed.update.size(), 1U);
  EXPECT_EQ(changed.remove.size(), 1U);
  endpoints.subsets.clear();
  EXPECT_EQ(plan_mirrors(endpoints, slices).remove.size(), 2U);
}

TEST(EndpointSliceMirroringPlanTest, JoinsSubsetsOfTheSameAddresses) {
  auto endpoints = make_endpoints();
  auto& first = endpoints.subsets[0];
  first.addresses = {address("10.9.0.1")};
  first.not_ready_addresses.clear();
  auto second = first;
  second.ports[0].name = "admin";
  second.ports[0].port = 5433;
  endpoints.subsets.push_back(second);
  const auto changes = plan_mirrors(endpoints, {});
  ASSERT_EQ(changes.create.size(), 1U);
  EXPECT_EQ(changes.create[0].ports.size(), 2U);
}

TEST(EndpointSliceMirroringPlanTest, ShowsWhatNobodyElseShows) {
  core_v1::Service service;
  auto endpoints = make_endpoints();
  EXPECT_TRUE(is_mirrored(endpoints, service));
  endpoints.metadata.annotations["control-plane.alpha.kubernetes.io/leader"] = "{}";
  EXPECT_FALSE(is_mirrored(endpoints, service));
  endpoints = make_endpoints();
  endpoints.metadata.labels["endpointslice.kubernetes.io/skip-mirror"] = "true";
  EXPECT_FALSE(is_mirrored(endpoints, service));
  service.spec.selector["a"] = "b";
  EXPECT_FALSE(is_mirrored(make_endpoints(), service));
}

TEST(EndpointSliceMirroringPlanTest, LeavesOutWhatIsTooMuch) {
  auto endpoints = make_endpoints();
  for (int i = 0; i < 1500; ++i) {
    endpoints.subsets[0].addresses.push_back(
        address("10.8." + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1)));
  }
  std::size_t shown = 0;
  for (const auto& slice : plan_mirrors(endpoints, {}).create) shown += slice.endpoints.size();
  EXPECT_EQ(shown, kMaxAddressesOfSubset);
}

}  // namespace
}  // namespace pinnace::controllers::endpoint_slice_mirroring
