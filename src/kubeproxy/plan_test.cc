#include "kubeproxy/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kubeproxy/testing.h"

namespace pinnace::kubeproxy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::string element(const Fragment& fragment, const std::string& set, const std::string& key) {
  const auto found = fragment.elements.find({set, key});
  return found == fragment.elements.end() ? "absent" : found->second;
}

TEST(ServicePlan, SpreadsAClusterAddressOverReadyEndpoints) {
  const auto plan = plan_service(testing_facts(), make_service("web", "10.96.0.5"),
                                 {make_slice("web", {"10.244.0.2", "10.244.1.3"})});
  EXPECT_EQ(element(plan, "services", "10.96.0.5 . tcp . 80"), "goto cluster/default/web/tcp/80");
  EXPECT_THAT(plan.chains.at("cluster/default/web/tcp/80"),
              ElementsAre("meta l4proto tcp dnat ip to numgen random mod 2 map "
                          "{ 0 : 10.244.0.2 . 8080, 1 : 10.244.1.3 . 8080 }"));
  EXPECT_EQ(plan.chains.size(), 1u);
}

TEST(ServicePlan, GivesNothingToHeadlessAndExternalNameServices) {
  EXPECT_EQ(plan_service(testing_facts(), make_service("web", "None"), {}), Fragment{});
  auto external = make_service("web", "");
  external.spec.type = "ExternalName";
  EXPECT_EQ(plan_service(testing_facts(), external, {}), Fragment{});
}

TEST(ServicePlan, RefusesPortsWithoutEndpoints) {
  auto service = make_service("web", "10.96.0.5");
  service.spec.ports[0].node_port = 30080;
  service.spec.external_ips = {"192.0.2.7"};
  const auto plan = plan_service(testing_facts(), service, {});
  EXPECT_EQ(element(plan, "refused-node-ports", "tcp . 30080"), "");
  EXPECT_EQ(element(plan, "refused", "192.0.2.7 . tcp . 80"), "");
  EXPECT_THAT(plan.chains, IsEmpty());
  EXPECT_THAT(plan.local_ports, IsEmpty()) << "nothing listens: 127.0.0.1 refuses by itself";
}

TEST(ServicePlan, OpensNodePortsOnEveryAddressAndOnLoopback) {
  auto service = make_service("web", "10.96.0.5");
  service.spec.type = "NodePort";
  service.spec.ports[0].node_port = 30080;
  const auto plan = plan_service(testing_facts(), service, {make_slice("web", {"10.244.0.2"})});
  EXPECT_EQ(element(plan, "node-ports", "tcp . 30080"), "goto external/default/web/tcp/80");
  EXPECT_THAT(plan.chains.at("external/default/web/tcp/80"),
              ElementsAre("jump mark-masquerade", "goto cluster/default/web/tcp/80"));
  EXPECT_EQ(plan.local_ports.at({"tcp", 30080}).text(), "10.96.0.5:80");
}

TEST(ServicePlan, KeepsTheSourceWithExternalTrafficPolicyLocal) {
  auto service = make_service("web", "10.96.0.5");
  service.spec.ports[0].node_port = 30080;
  service.spec.external_traffic_policy = "Local";
  auto slice = make_slice("web", {"10.244.0.2", "10.244.1.3"});
  auto far = *slice;
  far.endpoints[0].node_name = far.endpoints[1].node_name = "node2";
  auto near = far;
  near.endpoints[0].node_name = "node1";
  const auto with =
      plan_service(testing_facts(), service, {std::make_shared<const decltype(near)>(near)});
  EXPECT_THAT(with.chains.at("local/default/web/tcp/80"),
              ElementsAre("meta l4proto tcp dnat ip to 10.244.0.2:8080"));
  EXPECT_EQ(with.chains.at("external/default/web/tcp/80").back(), "goto local/default/web/tcp/80");
  const auto without =
      plan_service(testing_facts(), service, {std::make_shared<const decltype(far)>(far)});
  EXPECT_EQ(without.chains.at("external/default/web/tcp/80").back(), "drop");
}

TEST(ServicePlan, KeepsInternalTrafficOnTheNodeWhenAsked) {
  auto service = make_service("web", "10.96.0.5");
  service.spec.internal_traffic_policy = "Local";
  auto slice = *make_slice("web", {"10.244.1.3"});
  slice.endpoints[0].node_name = "node2";
  const auto plan =
      plan_service(testing_facts(), service, {std::make_shared<const decltype(slice)>(slice)});
  EXPECT_EQ(element(plan, "services", "10.96.0.5 . tcp . 80"), "drop");
}

TEST(ServicePlan, FallsBackToEndpointsThatServeWhileTheyEnd) {
  auto slice = *make_slice("web", {"10.244.0.2", "10.244.0.3"});
  slice.endpoints[0].conditions = {.ready = false, .serving = true, .terminating = true};
  slice.endpoints[1].conditions = {.ready = false, .serving = false, .terminating = true};
  const auto plan = plan_service(testing_facts(), make_service("web", "10.96.0.5"),
                                 {std::make_shared<const decltype(slice)>(slice)});
  EXPECT_THAT(plan.chains.at("cluster/default/web/tcp/80"),
              ElementsAre("meta l4proto tcp dnat ip to 10.244.0.2:8080"));
}

TEST(ServicePlan, HoldsClientsToTheirEndpoints) {
  auto service = make_service("web", "10.96.0.5");
  service.spec.session_affinity = "ClientIP";
  const auto plan = plan_service(testing_facts(), service, {make_slice("web", {"10.244.0.2"})});
  EXPECT_EQ(plan.affinity_sets.at("clients/default/web/tcp/80/10.244.0.2/8080"), 10800);
  EXPECT_THAT(plan.chains.at("endpoint/default/web/tcp/80/10.244.0.2/8080"),
              ElementsAre("update @clients/default/web/tcp/80/10.244.0.2/8080 { ip saddr }",
                          "meta l4proto tcp dnat ip to 10.244.0.2:8080"));
}

TEST(ServicePlan, TellsWhichUdpFlowsEndWithAnEndpoint) {
  auto service = make_service("dns", "10.96.0.5");
  service.spec.ports[0].protocol = "UDP";
  auto slice = *make_slice("dns", {"10.244.0.2"});
  slice.ports[0].protocol = "UDP";
  const auto plan =
      plan_service(testing_facts(), service, {std::make_shared<const decltype(slice)>(slice)});
  EXPECT_THAT(plan.udp_targets, ElementsAre(UdpTarget{{0x0a600005}, 80, {0x0af40002}}));
}

TEST(HostPortPlan, LeadsTheNodesPortToThePod) {
  api::core_v1::Pod pod;
  pod.metadata.name = "web";
  pod.metadata.namespace_ = "default";
  pod.spec.node_name = "node1";
  pod.status.pod_ip = "10.244.0.2";
  auto& port = pod.spec.containers.emplace_back().ports.emplace_back();
  port.container_port = 80;
  port.host_port = 8080;
  const auto plan = plan_host_ports(testing_facts(), pod);
  EXPECT_EQ(element(plan, "node-ports", "tcp . 8080"), "goto host/default/web/tcp/8080");
  EXPECT_EQ(plan.local_ports.at({"tcp", 8080}).text(), "10.244.0.2:80");
  pod.status.phase = "Succeeded";
  EXPECT_EQ(plan_host_ports(testing_facts(), pod), Fragment{}) << "its port is free again";
}

}  // namespace
}  // namespace pinnace::kubeproxy
