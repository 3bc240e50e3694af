#include "kubelet/pod/admission.h"

#include <gtest/gtest.h>

#include "kubelet/testing/harness.h"

namespace pinnace::kubelet::testing {
namespace {

Admission& node(Admission& admission) {
  admission.set_offer({"node", {{"zone", "a"}, {"cores", "8"}}, {2000, 1000, 1000}, 3});
  return admission;
}

core::Pod asking(const std::string& name, std::int64_t cpu_milli) {
  auto container = make_container("c");
  container.resources.requests["cpu"] = api::Quantity::from_milli(cpu_milli);
  return make_pod(name, {container});
}

core::Pod on_port(const std::string& name, int port, const std::string& ip = "") {
  auto container = make_container("c");
  core::ContainerPort entry;
  entry.host_port = port;
  entry.host_ip = ip;
  entry.protocol = "TCP";
  container.ports = {entry};
  return make_pod(name, {container});
}

core::Pod selecting(const core::NodeSelectorRequirement& requirement, bool field = false) {
  auto pod = make_pod("p", {make_container("c")});
  pod.spec.affinity.emplace();
  pod.spec.affinity->node_affinity.emplace();
  auto& required =
      pod.spec.affinity->node_affinity->required_during_scheduling_ignored_during_execution;
  required.emplace();
  core::NodeSelectorTerm term;
  (field ? term.match_fields : term.match_expressions).push_back(requirement);
  required->node_selector_terms = {term};
  return pod;
}

TEST(Admission, CountsWhatPodsAskFor) {
  Admission admission;
  EXPECT_FALSE(node(admission).admit(asking("a", 1500), false));
  const auto verdict = admission.admit(asking("b", 600), false);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->reason, "OutOfcpu");
  EXPECT_EQ(verdict->message,
            "Pod was rejected: Node didn't have enough resource: cpu, requested: 600, used: 1500, "
            "capacity: 2000");
  EXPECT_FALSE(admission.admit(asking("c", 500), false));
  admission.release("a-uid");
  EXPECT_FALSE(admission.admit(asking("b", 600), false));
}

TEST(Admission, TakesWhatRunsAlreadyAndCountsIt) {
  Admission admission;
  EXPECT_FALSE(node(admission).admit(asking("a", 5000), true));
  EXPECT_TRUE(admission.admit(asking("b", 1), false));
}

TEST(Admission, LimitsThePods) {
  Admission admission;
  node(admission);
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_FALSE(admission.admit(make_pod(name, {make_container("c")}), false));
  }
  EXPECT_EQ(admission.admit(make_pod("d", {make_container("c")}), false)->reason, "OutOfpods");
}

TEST(Admission, GivesAHostPortOnce) {
  Admission admission;
  EXPECT_FALSE(node(admission).admit(on_port("a", 80, "192.0.2.1"), false));
  EXPECT_FALSE(admission.admit(on_port("b", 80, "192.0.2.2"), false));
  const auto verdict = admission.admit(on_port("c", 80), false);
  ASSERT_TRUE(verdict);
  EXPECT_EQ(verdict->reason, "NodePorts");
  EXPECT_EQ(verdict->message,
            "Pod was rejected: Predicate NodePorts failed: node(s) didn't have free ports for the "
            "requested pod ports");
}

TEST(Admission, RefusesWhatSelectsOtherNodes) {
  Admission admission;
  auto pod = make_pod("p", {make_container("c")});
  pod.spec.node_selector = {{"zone", "b"}};
  EXPECT_EQ(node(admission).admit(pod, false)->reason, "NodeAffinity");
  pod.spec.node_selector = {{"zone", "a"}};
  EXPECT_FALSE(admission.admit(pod, false));
}

TEST(SelectsNode, KnowsEveryOperator) {
  const NodeOffer offer{"node", {{"zone", "a"}, {"cores", "8"}}, {}, 0};
  const auto selects = [&](std::string key, std::string op, std::vector<std::string> values,
                           bool field = false) {
    return selects_node(selecting({std::move(key), std::move(op), std::move(values)}, field).spec,
                        offer);
  };
  EXPECT_TRUE(selects("zone", "In", {"a", "b"}));
  EXPECT_FALSE(selects("zone", "In", {"b"}));
  EXPECT_FALSE(selects("zone", "NotIn", {"a"}));
  EXPECT_TRUE(selects("none", "NotIn", {"a"}));
  EXPECT_TRUE(selects("zone", "Exists", {}));
  EXPECT_FALSE(selects("none", "Exists", {}));
  EXPECT_TRUE(selects("none", "DoesNotExist", {}));
  EXPECT_TRUE(selects("cores", "Gt", {"7"}));
  EXPECT_FALSE(selects("cores", "Lt", {"8"}));
  EXPECT_FALSE(selects("zone", "Gt", {"1"}));
  EXPECT_TRUE(selects("metadata.name", "In", {"node"}, true));
  EXPECT_FALSE(selects("metadata.name", "In", {"other"}, true));
}

}  // namespace
}  // namespace pinnace::kubelet::testing
