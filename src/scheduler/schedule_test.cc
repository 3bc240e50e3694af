#include "scheduler/schedule.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "scheduler/plugins.h"
#include "scheduler/testing.h"

namespace pinnace::scheduler {
namespace {

using testing::asks_for;
using testing::make_node;
using testing::make_pod;
using testing::on_node;

struct ScheduleTest : testing::SchedulerTest {};

TEST_F(ScheduleTest, WithoutNodesThereIsNoPlace) {
  EXPECT_EQ(place(make_pod("p")), "no nodes available to schedule pods");
}

TEST_F(ScheduleTest, TheMessageCountsTheReasons) {
  add_node(make_node("n1", "", R"("unschedulable":true)"));
  add_node(make_node("n2", "", R"("taints":[{"key":"gpu","effect":"NoSchedule"}])"));
  add_node(make_node("n3"));
  add_node(make_node("n4"));
  cache.set_pod(make_pod("a", on_node("n3") + ',' + asks_for("3")));
  cache.set_pod(make_pod("b", on_node("n4") + ',' + asks_for("3", "7Gi")));
  EXPECT_EQ(place(make_pod("p", asks_for("2", "2Gi"))),
            "0/4 nodes are available: 1 Insufficient memory, 1 node(s) had untolerated taint(s), "
            "1 node(s) were unschedulable, 2 Insufficient cpu.");
}

TEST_F(ScheduleTest, SelectorsAndAffinityChooseNodes) {
  add_node(make_node("n1", R"("disk":"hdd","zone":"a")"));
  add_node(make_node("n2", R"("disk":"ssd","zone":"b","cores":"8")"));
  EXPECT_EQ(place(make_pod("p", R"("nodeSelector":{"disk":"ssd"})")), "n2");
  EXPECT_EQ(place(make_pod("p", R"("nodeSelector":{"disk":"nvme"})")),
            "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector.");
  const auto required = [](const std::string& expression) {
    return R"("affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":
      {"nodeSelectorTerms":[{"matchExpressions":[)" +
           expression + "]}]}}}";
  };
  EXPECT_EQ(place(make_pod("p", required(R"({"key":"zone","operator":"NotIn","values":["a"]})"))),
            "n2");
  EXPECT_EQ(place(make_pod("p", required(R"({"key":"cores","operator":"DoesNotExist"})"))), "n1");
  EXPECT_EQ(place(make_pod("p", required(R"({"key":"cores","operator":"Gt","values":["4"]})"))),
            "n2");
  EXPECT_EQ(place(make_pod("p", R"("affinity":{"nodeAffinity":{
      "requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[
        {"key":"metadata.name","operator":"In","values":["n1"]}]}]}}})")),
            "n1");
}

TEST_F(ScheduleTest, PreferencesDecideBetweenNodesThatFit) {
  add_node(make_node("n1"));
  add_node(make_node("n2", R"("disk":"ssd")"));
  add_node(make_node("n3"));
  EXPECT_EQ(place(make_pod("p", R"("affinity":{"nodeAffinity":{
      "preferredDuringSchedulingIgnoredDuringExecution":[{"weight":50,"preference":{
        "matchExpressions":[{"key":"disk","operator":"Exists"}]}}]}})")),
            "n2");
}

NodeRef node_with_image(const std::string& name, const std::string& image,
                        const std::string& bytes) {
  auto node = api::core_v1::Node(*make_node(name));
  auto with = api::from_json<api::core_v1::NodeStatus>(R"({"images":[{"names":[")" + image +
                                                       R"("],"sizeBytes":)" + bytes + "}]}");
  EXPECT_TRUE(with);
  node.status.images = with->images;
  return std::make_shared<const api::core_v1::Node>(std::move(node));
}

TEST_F(ScheduleTest, AnImageThatIsThereDecidesBetweenNodesThatAreAlike) {
  add_node(make_node("n1"));
  add_node(node_with_image("n2", "large:latest", "900000000"));
  add_node(make_node("n3"));
  for (int i = 0; i < 8; ++i) {
    EXPECT_EQ(place(make_pod("p", R"("containers":[{"name":"c","image":"large"}])")), "n2");
  }
}

TEST_F(ScheduleTest, AnImageThatIsThereDoesNotDrawAllPodsOfASet) {
  add_node(make_node("n1"));
  add_node(node_with_image("n2", "small:1", "30000000"));
  add_node(node_with_image("n3", "other:1", "30000000"));
  EXPECT_EQ(cache.nodes_with_image("small:1"), 1);
  const std::string owner =
      R"("ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"s","uid":"s",)"
      R"("controller":true}])";
  const std::string spec = R"("containers":[{"name":"c","image":"small:1"}])";
  std::map<std::string, int> pods_on;
  for (int i = 0; i < 12; ++i) {
    const std::string name = "p" + std::to_string(i);
    const std::string node = place(make_pod(name, spec, owner));
    ++pods_on[node];
    cache.set_pod(make_pod(name, on_node(node) + ',' + spec, owner));
  }
  EXPECT_EQ(pods_on, (std::map<std::string, int>{{"n1", 4}, {"n2", 4}, {"n3", 4}}));
  cache.set_node("n2", nullptr);
  EXPECT_EQ(cache.nodes_with_image("small:1"), 0);
}

TEST_F(ScheduleTest, TolerationsOpenTaintedNodes) {
  add_node(make_node("n1", "", R"("taints":[{"key":"gpu","value":"a","effect":"NoSchedule"}])"));
  EXPECT_EQ(place(make_pod("p", R"("tolerations":[{"key":"gpu","value":"a"}])")), "n1");
  EXPECT_EQ(place(make_pod("p", R"("tolerations":[{"operator":"Exists"}])")), "n1");
  EXPECT_EQ(place(make_pod("p", R"("tolerations":[{"key":"gpu","value":"b"}])")),
            "0/1 nodes are available: 1 node(s) had untolerated taint(s).");
}

TEST_F(ScheduleTest, HostPortsMustBeFree) {
  add_node(make_node("n1"));
  const auto port = [](const std::string& more) {
    return R"("containers":[{"name":"c","ports":[{"containerPort":80,"hostPort":8080)" + more +
           "}]}]";
  };
  cache.set_pod(make_pod("a", on_node("n1") + ',' + port(R"(,"hostIP":"10.0.0.1")")));
  EXPECT_EQ(place(make_pod("p", port(""))),
            "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod "
            "ports.");
  EXPECT_EQ(place(make_pod("p", port(R"(,"hostIP":"10.0.0.2")"))), "n1");
  EXPECT_EQ(place(make_pod("p", port(R"(,"protocol":"UDP")"))), "n1");
}

TEST_F(ScheduleTest, ResourcesCountInitContainersAndExtendedOnes) {
  add_node(make_node("n1", "", "", R"("cpu":"2","memory":"1Gi","pods":"2","example.com/gpu":"1")"));
  EXPECT_EQ(place(make_pod("p", R"("initContainers":[{"name":"i","resources":{"requests":
      {"cpu":"3"}}}])")),
            "0/1 nodes are available: 1 Insufficient cpu.");
  const std::string gpu =
      R"("containers":[{"name":"c","resources":{"requests":{"example.com/gpu":"1"}}}])";
  EXPECT_EQ(place(make_pod("p", gpu)), "n1");
  cache.set_pod(make_pod("a", on_node("n1") + ',' + gpu));
  EXPECT_EQ(place(make_pod("p", gpu)), "0/1 nodes are available: 1 Insufficient example.com/gpu.");
  cache.set_pod(make_pod("b", on_node("n1")));
  EXPECT_EQ(place(make_pod("p")), "0/1 nodes are available: 1 Too many pods.");
}

TEST_F(ScheduleTest, ANodeThatDoesNotSayHowManyPodsItTakesTakesNone) {
  add_node(make_node("n1", "", "", R"("cpu":"2","memory":"1Gi")"));
  EXPECT_EQ(place(make_pod("p")), "0/1 nodes are available: 1 Too many pods.");
}

TEST_F(ScheduleTest, AssumedPodsCount) {
  add_node(make_node("n1"));
  const auto first = make_pod("a", asks_for("3"));
  cache.assume(first, "n1");
  EXPECT_EQ(place(make_pod("p", asks_for("3"))), "0/1 nodes are available: 1 Insufficient cpu.");
  cache.remove_pod("a");
  EXPECT_EQ(place(make_pod("p", asks_for("3"))), "n1");
}

TEST_F(ScheduleTest, ReplicasSpreadOverNodes) {
  for (const char* name : {"n1", "n2", "n3", "n4"}) add_node(make_node(name));
  std::set<std::string> used;
  for (int i = 0; i < 4; ++i) {
    const auto pod = make_pod("p" + std::to_string(i), "",
                              R"("ownerReferences":[{"uid":"set","controller":true}])");
    const auto node = place(pod);
    used.insert(node);
    cache.assume(pod, node);
  }
  EXPECT_EQ(used.size(), 4u);
}

TEST_F(ScheduleTest, AntiAffinityKeepsPodsApartInBothDirections) {
  add_node(make_node("n1", R"("host":"1")"));
  add_node(make_node("n2", R"("host":"2")"));
  const std::string apart = R"("affinity":{"podAntiAffinity":{
      "requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"host",
        "labelSelector":{"matchLabels":{"app":"db"}}}]}})";
  const std::string db = R"("labels":{"app":"db"})";
  cache.set_pod(make_pod("a", on_node("n1") + ',' + apart, db));
  EXPECT_EQ(place(make_pod("p", apart, db)), "n2");
  EXPECT_EQ(place(make_pod("p", "", db)), "n2");  // The other one does not want it.
  cache.set_pod(make_pod("b", on_node("n2"), db));
  EXPECT_EQ(place(make_pod("p", apart, db)),
            "0/2 nodes are available: 2 node(s) didn't match pod anti-affinity rules.");
  cache.remove_pod("b");
  cache.set_pod(make_pod("c", on_node("n2") + ',' + apart, db));
  EXPECT_EQ(place(make_pod("p", "", db)),
            "0/2 nodes are available: 2 node(s) didn't satisfy existing pods anti-affinity rules.");
}

TEST_F(ScheduleTest, AffinityJoinsAndTheFirstOfAGroupMayBegin) {
  add_node(make_node("n1", R"("zone":"a")"));
  add_node(make_node("n2", R"("zone":"b")"));
  const std::string together = R"("affinity":{"podAffinity":{
      "requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"zone",
        "labelSelector":{"matchLabels":{"app":"web"}}}]}})";
  EXPECT_EQ(place(make_pod("p", together, R"("labels":{"app":"other"})")),
            "0/2 nodes are available: 2 node(s) didn't match pod affinity rules.");
  EXPECT_NE(decide(make_pod("p", together, R"("labels":{"app":"web"})")).node, "");
  cache.set_pod(make_pod("a", on_node("n2"), R"("labels":{"app":"web"})"));
  EXPECT_EQ(place(make_pod("p", together)), "n2");
}

TEST_F(ScheduleTest, SpreadConstraintsLimitTheSkew) {
  add_node(make_node("n1", R"("zone":"a")"));
  add_node(make_node("n2", R"("zone":"b")"));
  add_node(make_node("n3"));
  const std::string spread = R"("topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"zone",
      "whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"web"}}}])";
  const std::string web = R"("labels":{"app":"web"})";
  cache.set_pod(make_pod("a", on_node("n1"), web));
  EXPECT_EQ(place(make_pod("p", spread, web)), "n2");
  add_node(make_node("n2", R"("zone":"b")", R"("unschedulable":true)"));
  EXPECT_EQ(place(make_pod("p", spread, web)),
            "0/3 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 "
            "node(s) didn't match pod topology spread constraints (missing required label), 1 "
            "node(s) were unschedulable.");
}

TEST_F(ScheduleTest, ClaimsMustBeThereAndBound) {
  add_node(make_node("n1"));
  const auto pod =
      make_pod("p", R"("volumes":[{"name":"v","persistentVolumeClaim":{"claimName":"data"}}])");
  EXPECT_EQ(place(pod), "0/1 nodes are available: persistentvolumeclaim \"data\" not found.");
  EXPECT_EQ(decide(pod).wakes, kClaimChanged);
  cache.set_claim("default/data", false);
  EXPECT_EQ(place(pod),
            "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.");
  cache.set_claim("default/data", true);
  EXPECT_EQ(place(pod), "n1");
}

TEST_F(ScheduleTest, ABigClusterIsSearchedInPartAndInTurn) {
  for (int i = 0; i < 1000; ++i) add_node(make_node("n" + std::to_string(i)));
  std::set<std::string> used;
  for (int i = 0; i < 50; ++i) used.insert(decide(make_pod("p")).node);
  EXPECT_GT(used.size(), 20u);
}

struct PreemptionTest : testing::SchedulerTest {
  Preemption preempt(const PodInfoRef& pod) { return plan_preemption(cache, *pod, decide(pod)); }
  void run_on(const std::string& node, const std::string& name, int priority,
              const std::string& cpu) {
    cache.set_pod(make_pod(
        name, on_node(node) + R"(,"priority":)" + std::to_string(priority) + ',' + asks_for(cpu)));
  }
  static PodInfoRef important(const std::string& cpu, const std::string& more = "") {
    return make_pod("vip", R"("priority":100,)" + asks_for(cpu) + more);
  }
  static std::set<std::string> names(const std::vector<PodInfoRef>& pods) {
    std::set<std::string> made;
    for (const auto& pod : pods) made.insert(pod->uid());
    return made;
  }
};
using Uids = std::set<std::string>;

TEST_F(PreemptionTest, TakesTheLeastImportantAndTheFewest) {
  add_node(make_node("n1"));
  add_node(make_node("n2"));
  run_on("n1", "a", 50, "4");
  run_on("n2", "b", 10, "2");
  run_on("n2", "c", 5, "2");
  auto plan = preempt(important("2"));
  EXPECT_EQ(plan.node, "n2");
  EXPECT_EQ(names(plan.victims), Uids{"c"});
  plan = preempt(important("4"));
  EXPECT_EQ(plan.node, "n2");  // 10 is less than 50.
  EXPECT_EQ(names(plan.victims), (Uids{"b", "c"}));
}

TEST_F(PreemptionTest, EqualsAndBettersStay) {
  add_node(make_node("n1"));
  run_on("n1", "a", 100, "4");
  const auto plan = preempt(important("1"));
  EXPECT_TRUE(plan.node.empty());
  EXPECT_EQ(plan.message,
            "no new claims to deallocate, preemption: 0/1 nodes are available: 1 No preemption victims "
            "found for incoming pod.");
}

TEST_F(PreemptionTest, DoesNotHelpWhereNothingWould) {
  add_node(make_node("n1", "", R"("unschedulable":true)"));
  run_on("n1", "a", 0, "1");
  EXPECT_EQ(preempt(important("1")).message,
            "no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not "
            "helpful for scheduling.");
}

TEST_F(PreemptionTest, APodMayRenounceIt) {
  add_node(make_node("n1"));
  run_on("n1", "a", 0, "4");
  const auto plan = preempt(important("1", R"(,"preemptionPolicy":"Never")"));
  EXPECT_TRUE(plan.victims.empty());
  EXPECT_EQ(plan.message,
            "no new claims to deallocate, preemption: not eligible due to preemptionPolicy=Never.");
}

TEST_F(PreemptionTest, RoomThatWasMadeIsKeptForWhomItWasMade) {
  add_node(make_node("n1"));
  cache.nominate(important("3"), "n1");
  EXPECT_EQ(place(make_pod("p", asks_for("2"))), "0/1 nodes are available: 1 Insufficient cpu.");
  EXPECT_EQ(place(make_pod("q", asks_for("1"))), "n1");
  EXPECT_EQ(place(important("3")), "n1");
  EXPECT_EQ(place(make_pod("r", R"("priority":200,)" + asks_for("2"))), "n1");
}

}  // namespace
}  // namespace pinnace::scheduler
