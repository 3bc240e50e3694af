#include "controllers/endpoints/plan.h"

#include <gtest/gtest.h>

#include "controllers/support/service_testing.h"

namespace pinnace::controllers::endpoints {
namespace {

using controllers::testing::at;
using controllers::testing::make_service;
using controllers::testing::ref;
using controllers::testing::serving_pod;

core_v1::Endpoints plan(const core_v1::Service& service, std::vector<core_v1::Pod> pods) {
  std::vector<PodRef> refs;
  for (auto& pod : pods) refs.push_back(ref(std::move(pod)));
  return plan_endpoints(service, refs, nullptr).value();
}
// "ip ip / not-ready-ip : name=port name=port" for each subset.
std::vector<std::string> text_of(const core_v1::Endpoints& endpoints) {
  std::vector<std::string> texts;
  for (const auto& subset : endpoints.subsets) {
    std::string text;
    for (const auto& address : subset.addresses) text += address.ip + ' ';
    text += '/';
    for (const auto& address : subset.not_ready_addresses) text += ' ' + address.ip;
    text += " :";
    for (const auto& port : subset.ports) text += ' ' + port.name + '=' + std::to_string(port.port);
    texts.push_back(text);
  }
  return texts;
}
using Texts = std::vector<std::string>;

TEST(EndpointsPlan, ReadyAndNotReadyPodsAreKeptApart) {
  const auto made =
      plan(make_service(), {serving_pod("b", "10.0.0.2"), serving_pod("a", "10.0.0.1"),
                            serving_pod("c", "10.0.0.3", false)});
  EXPECT_EQ(text_of(made), Texts{"10.0.0.1 10.0.0.2 / 10.0.0.3 : http=8080"});
  const auto& address = made.subsets[0].addresses[0];
  EXPECT_EQ(address.node_name, "n1");
  EXPECT_EQ(address.target_ref->kind, "Pod");
  EXPECT_EQ(address.target_ref->name, "a");
  EXPECT_EQ(address.target_ref->uid, "uid-a");
  EXPECT_EQ(made.metadata.labels.at("app"), "web");
  EXPECT_EQ(made.metadata.labels.at("endpoints.kubernetes.io/managed-by"), "endpoint-controller");
}

TEST(EndpointsPlan, AddressesAreOfTheServicesFirstFamily) {
  auto pod = serving_pod("a", "10.0.0.1");
  pod.status.pod_ips = {{.ip = "10.0.0.1"}, {.ip = "fd00::1"}};
  const auto six = make_service("8080", R"(,"ipFamilies":["IPv6","IPv4"])");
  EXPECT_EQ(text_of(plan(six, {pod, serving_pod("b", "10.0.0.2")})),
            Texts{"fd00::1 / : http=8080"});
}

TEST(EndpointsPlan, SubsetsOfTheSameAddressesBecomeOne) {
  const auto given = controllers::testing::from<core_v1::Endpoints>(
      R"({"subsets":[{"addresses":[{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}],"ports":[{"name":"a","port":1}]},)"
      R"({"addresses":[{"ip":"10.0.0.1"}],"notReadyAddresses":[{"ip":"10.0.0.2"}],)"
      R"("ports":[{"name":"a","port":1},{"name":"b","port":2}]},{"addresses":[{"ip":"10.0.0.3"}]}]})");
  core_v1::Endpoints packed;
  packed.subsets = repacked(given.subsets);
  EXPECT_EQ(text_of(packed), (Texts{"10.0.0.3 / :", "10.0.0.1 / 10.0.0.2 : a=1 b=2"}));
}

TEST(EndpointsPlan, OnlyPodsThatRunWithAnAddressCount) {
  auto finished = serving_pod("done", "10.0.0.1");
  finished.status.phase = "Succeeded";
  auto leaving = serving_pod("leaving", "10.0.0.2");
  leaving.metadata.deletion_timestamp = to_time(at(0));
  EXPECT_TRUE(plan(make_service(), {finished, leaving, serving_pod("new", "")}).subsets.empty());
}

TEST(EndpointsPlan, NamedTargetPortsGoByPod) {
  const auto made = plan(make_service("\"http\""), {serving_pod("a", "10.0.0.1", true, 8080),
                                                    serving_pod("b", "10.0.0.2", true, 9090)});
  EXPECT_EQ(text_of(made), (Texts{"10.0.0.1 / : http=8080", "10.0.0.2 / : http=9090"}));
  EXPECT_TRUE(plan(make_service("\"other\""), {serving_pod("a", "10.0.0.1")}).subsets.empty());
}

TEST(EndpointsPlan, PublishNotReadyAddressesMakesAllReady) {
  const auto service = make_service("8080", R"(,"publishNotReadyAddresses":true)");
  auto leaving = serving_pod("leaving", "10.0.0.2");
  leaving.metadata.deletion_timestamp = to_time(at(0));
  const auto made = plan(service, {serving_pod("a", "10.0.0.1", false), leaving});
  EXPECT_EQ(text_of(made), Texts{"10.0.0.1 10.0.0.2 / : http=8080"});
}

TEST(EndpointsPlan, AHeadlessServiceMayHaveNoPorts) {
  auto service = make_service();
  service.spec.cluster_ip = "None";
  service.spec.ports.clear();
  auto pod = serving_pod("web-0", "10.0.0.1");
  pod.spec.hostname = "web-0";
  pod.spec.subdomain = "web";
  const auto made = plan(service, {pod});
  EXPECT_EQ(text_of(made), Texts{"10.0.0.1 / :"});
  EXPECT_EQ(made.subsets[0].addresses[0].hostname, "web-0");
  EXPECT_TRUE(made.metadata.labels.contains("service.kubernetes.io/headless"));
}

TEST(EndpointsPlan, WhatIsRightIsNotWritten) {
  const auto service = make_service();
  const std::vector<PodRef> pods = {ref(serving_pod("a", "10.0.0.1"))};
  auto current = plan_endpoints(service, pods, nullptr).value();
  current.metadata.resource_version = "5";
  EXPECT_EQ(plan_endpoints(service, pods, &current), std::nullopt);
  const auto changed = plan_endpoints(service, {}, &current);
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->metadata.resource_version, "5");
  EXPECT_TRUE(changed->subsets.empty());
}

TEST(EndpointsPlan, TooManyAddressesAreCutNotReadyOnesFirst) {
  std::vector<core_v1::Pod> pods;
  for (int i = 0; i < 1200; ++i) {
    const std::string ip = "10.1." + std::to_string(i / 250) + '.' + std::to_string(i % 250 + 1);
    pods.push_back(serving_pod("p" + std::to_string(i), ip, i % 2 == 0));
  }
  const auto made = plan(make_service(), pods);
  EXPECT_EQ(made.subsets[0].addresses.size(), 600u);
  EXPECT_EQ(made.subsets[0].not_ready_addresses.size(), 400u);
  EXPECT_EQ(made.metadata.annotations.at("endpoints.kubernetes.io/over-capacity"), "truncated");
}

}  // namespace
}  // namespace pinnace::controllers::endpoints
