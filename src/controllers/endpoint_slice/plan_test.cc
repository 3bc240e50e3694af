#include "controllers/endpoint_slice/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/service_testing.h"

namespace pinnace::controllers::endpoint_slice {
namespace {

using controllers::testing::at;
using controllers::testing::make_service;
using controllers::testing::ref;
using controllers::testing::serving_pod;

struct EndpointSlicePlanTest : ::testing::Test {
  // Plans, and carries the plan out on `slices`.
  SliceChanges run() {
    std::vector<PodRef> refs;
    for (const auto& pod : pods) refs.push_back(ref(pod));
    auto changes = plan_slices(
        service, refs, [](const std::string& node) { return node == "n1" ? "zone-a" : ""; },
        slices);
    for (const auto& gone : changes.remove) std::erase(slices, gone);
    for (const auto& changed : changes.update) {
      for (auto& slice : slices) {
        if (slice->metadata.name == changed.metadata.name) slice = ref(changed);
      }
    }
    for (auto slice : changes.create) {
      slice.metadata.name = "web-" + std::to_string(++made);
      slices.push_back(ref(std::move(slice)));
    }
    return changes;
  }
  void add_pods(int count) {
    for (int i = 0; i < count; ++i) {
      const auto number = static_cast<int>(pods.size());
      const std::string ip =
          "10.1." + std::to_string(number / 250) + '.' + std::to_string(number % 250 + 1);
      pods.push_back(serving_pod("p" + std::to_string(number), ip));
    }
  }
  bool settled() {
    const auto changes = run();
    return changes.create.empty() && changes.update.empty() && changes.remove.empty();
  }
  core_v1::Service service = make_service();
  std::vector<core_v1::Pod> pods;
  std::vector<SliceRef> slices;
  int made = 0;
};

TEST_F(EndpointSlicePlanTest, AServiceMayWantTrafficToStayNear) {
  add_pods(1);
  run();
  EXPECT_FALSE(slices[0]->endpoints[0].hints);
  service.spec.traffic_distribution = "PreferClose";
  run();
  ASSERT_TRUE(slices[0]->endpoints[0].hints);
  EXPECT_EQ(slices[0]->endpoints[0].hints->for_zones.at(0).name, "zone-a");
  EXPECT_TRUE(slices[0]->endpoints[0].hints->for_nodes.empty());
  service.spec.traffic_distribution = "PreferSameNode";
  run();
  EXPECT_EQ(slices[0]->endpoints[0].hints->for_nodes.at(0).name, "n1");
  EXPECT_TRUE(settled());
  service.spec.traffic_distribution.reset();
  run();
  EXPECT_FALSE(slices[0]->endpoints[0].hints);
}

TEST_F(EndpointSlicePlanTest, AServiceWithoutPodsHasOneEmptySlice) {
  run();
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_TRUE(slices[0]->endpoints.empty());
  EXPECT_EQ(slices[0]->address_type, "IPv4");
  EXPECT_EQ(slices[0]->metadata.labels.at("kubernetes.io/service-name"), "web");
  EXPECT_EQ(slices[0]->metadata.labels.at("endpointslice.kubernetes.io/managed-by"),
            "endpointslice-controller.k8s.io");
  EXPECT_EQ(slices[0]->metadata.owner_references.at(0).kind, "Service");
  EXPECT_TRUE(settled());
}

TEST_F(EndpointSlicePlanTest, AnEndpointSaysWhatItsPodIs) {
  pods = {serving_pod("a", "10.0.0.1")};
  run();
  const auto& endpoint = slices.at(0)->endpoints.at(0);
  EXPECT_EQ(endpoint.addresses, std::vector<std::string>{"10.0.0.1"});
  EXPECT_EQ(endpoint.conditions.ready, true);
  EXPECT_EQ(endpoint.conditions.serving, true);
  EXPECT_EQ(endpoint.conditions.terminating, false);
  EXPECT_EQ(endpoint.node_name, "n1");
  EXPECT_EQ(endpoint.zone, "zone-a");
  EXPECT_EQ(endpoint.target_ref->name, "a");
  EXPECT_EQ(slices[0]->ports.at(0).port, 8080);
  EXPECT_EQ(slices[0]->ports.at(0).name, "http");
}

TEST_F(EndpointSlicePlanTest, ALeavingPodServesButIsNotReady) {
  pods = {serving_pod("a", "10.0.0.1")};
  pods[0].metadata.deletion_timestamp = to_time(at(0));
  run();
  const auto conditions = slices.at(0)->endpoints.at(0).conditions;
  EXPECT_EQ(conditions.ready, false);
  EXPECT_EQ(conditions.serving, true);
  EXPECT_EQ(conditions.terminating, true);
  service.spec.publish_not_ready_addresses = true;
  run();
  EXPECT_EQ(slices.at(0)->endpoints.at(0).conditions.ready, true);
}

TEST_F(EndpointSlicePlanTest, ASliceHoldsAHundred) {
  add_pods(250);
  run();
  ASSERT_EQ(slices.size(), 3u);
  EXPECT_EQ(slices[0]->endpoints.size(), 100u);
  EXPECT_EQ(slices[2]->endpoints.size(), 50u);
  EXPECT_TRUE(settled());
}

TEST_F(EndpointSlicePlanTest, AChangeTouchesOneSliceOnly) {
  add_pods(150);
  run();
  for (auto& condition : pods[3].status.conditions) condition.status = "False";
  const auto changes = run();
  EXPECT_EQ(changes.update.size(), 1u);
  EXPECT_TRUE(changes.create.empty());
  EXPECT_TRUE(changes.remove.empty());
}

TEST_F(EndpointSlicePlanTest, GapsAreFilledBeforeSlicesAreMade) {
  add_pods(150);
  run();
  add_pods(50);
  const auto changes = run();
  EXPECT_EQ(changes.update.size(), 1u);
  EXPECT_TRUE(changes.create.empty());
  EXPECT_EQ(slices.size(), 2u);
}

TEST_F(EndpointSlicePlanTest, EmptySlicesGoForOneWithoutPorts) {
  add_pods(150);
  run();
  pods.clear();
  const auto changes = run();
  EXPECT_EQ(changes.remove.size(), 2u);
  ASSERT_EQ(slices.size(), 1u);
  EXPECT_TRUE(slices[0]->endpoints.empty());
  EXPECT_TRUE(slices[0]->ports.empty());
  EXPECT_TRUE(settled());
}

TEST_F(EndpointSlicePlanTest, PodsWithOtherNumbersForANamedPortHaveSlicesOfTheirOwn) {
  service = make_service("\"http\"");
  pods = {serving_pod("a", "10.0.0.1", true, 8080), serving_pod("b", "10.0.0.2", true, 9090)};
  run();
  ASSERT_EQ(slices.size(), 2u);
  EXPECT_NE(slices[0]->ports, slices[1]->ports);
  EXPECT_TRUE(settled());
}

TEST_F(EndpointSlicePlanTest, AHeadlessServiceIsLabeledAndNamesItsHosts) {
  service.spec.cluster_ip = "None";
  pods = {serving_pod("web-0", "10.0.0.1")};
  pods[0].spec.hostname = "web-0";
  pods[0].spec.subdomain = "web";
  run();
  EXPECT_EQ(slices.at(0)->endpoints.at(0).hostname, "web-0");
  EXPECT_TRUE(slices[0]->metadata.labels.contains("service.kubernetes.io/headless"));
}

}  // namespace
}  // namespace pinnace::controllers::endpoint_slice
