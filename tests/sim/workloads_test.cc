#include <algorithm>
#include <map>
#include <set>

#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class WorkloadsSim : public Scenario {
 protected:
  std::set<std::string> images() {
    std::set<std::string> found;
    for (const auto& pod : pods()) found.insert(pod.spec.containers[0].image);
    return found;
  }
  std::vector<apps_v1::ReplicaSet> sets() { return cluster.list<apps_v1::ReplicaSet>(); }
};
INSTANTIATE_TEST_SUITE_P(Seeds, WorkloadsSim, ::testing::ValuesIn(seeds()));

TEST_P(WorkloadsSim, ADeploymentScalesUpAndDown) {
  cluster.add_nodes(3);
  // What comes before the others are known to be ready goes to the first that is.
  ASSERT_TRUE(cluster.run_until([&] {
    return std::ranges::all_of(cluster.list<core_v1::Node>(""),
                               [](const auto& node) { return node.spec.taints.empty(); });
  }));
  deploy("web", 5);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  EXPECT_EQ(pods("web").size(), 5u);
  EXPECT_EQ(condition("web", "Available"), "True/MinimumReplicasAvailable");
  EXPECT_EQ(condition("web", "Progressing"), "True/NewReplicaSetAvailable");
  EXPECT_EQ(deployment("web").metadata.annotations.at("deployment.kubernetes.io/revision"), "1");
  const std::string set = sets().at(0).metadata.name;
  EXPECT_EQ(events("web", "ScalingReplicaSet"),
            std::vector<std::string>{"Scaled up replica set " + set + " from 0 to 5"});
  EXPECT_EQ(events(set, "SuccessfulCreate").size(), 5u);

  scale("web", 12);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  std::map<std::string, int> on_node;
  for (const auto& pod : pods("web")) ++on_node[pod.spec.node_name];
  EXPECT_EQ(on_node, (std::map<std::string, int>{{"n1", 4}, {"n2", 4}, {"n3", 4}}));

  scale("web", 3);
  ASSERT_TRUE(cluster.run_until([&] { return pods("web").size() == 3 && rolled_out("web"); }));
  scale("web", 0);
  EXPECT_TRUE(cluster.run_until([&] { return pods("web").empty(); }));
}

TEST_P(WorkloadsSim, ALostPodIsReplaced) {
  cluster.add_nodes(1);
  deploy("web", 3);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  const auto victim = pods("web").at(0);
  cluster.remove(kPods + '/' + victim.metadata.name);
  ASSERT_TRUE(cluster.run_until([&] {
    return pods("web").size() == 3 && ready_pods("web") == 3 &&
           !cluster.get<core_v1::Pod>(victim.metadata.name);
  }));
  EXPECT_EQ(sets().size(), 1u);
}

TEST_P(WorkloadsSim, ARollingUpdateKeepsItsPromises) {
  cluster.add_nodes(4);
  deploy("web", 10);  // At least 8 available and at most 13 at any time.
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  set_image("web", "app:2");
  int least = 100, most = 0;
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }, minutes(5),
                                [&] {
                                  const auto all = pods("web");
                                  const auto there = std::ranges::count_if(
                                      all, [](const auto& pod) { return !is_leaving(pod); });
                                  least = std::min(least, ready_pods("web"));
                                  most = std::max(most, static_cast<int>(there));
                                }));
  EXPECT_GE(least, 8);
  EXPECT_LE(most, 13);
  ASSERT_TRUE(cluster.run_until([&] { return pods("web").size() == 10; }));
  EXPECT_EQ(images(), std::set<std::string>{"app:2"});
  EXPECT_EQ(sets().size(), 2u);
  EXPECT_EQ(deployment("web").metadata.annotations.at("deployment.kubernetes.io/revision"), "2");
}

TEST_P(WorkloadsSim, AStuckRolloutTimesOutAndIsRolledBack) {
  cluster.add_nodes(2);
  deploy("web", 4, R"(,"progressDeadlineSeconds":60)");
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  set_image("web", "app:broken");
  ASSERT_TRUE(cluster.run_until(
      [&] { return condition("web", "Progressing") == "False/ProgressDeadlineExceeded"; },
      minutes(2)));
  EXPECT_GE(ready_pods("web"), 3);
  EXPECT_EQ(condition("web", "Available"), "True/MinimumReplicasAvailable");

  set_image("web", "app:1");  // What `kubectl rollout undo` does.
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  EXPECT_TRUE(cluster.run_until([&] { return images() == std::set<std::string>{"app:1"}; }));
  EXPECT_EQ(condition("web", "Progressing"), "True/NewReplicaSetAvailable");
  EXPECT_EQ(deployment("web").metadata.annotations.at("deployment.kubernetes.io/revision"), "3");
  ASSERT_EQ(sets().size(), 2u);
  for (const auto& set : sets()) {
    if (set.spec.replicas == 0) continue;
    EXPECT_EQ(set.metadata.annotations.at("deployment.kubernetes.io/revision-history"), "1");
  }
}

TEST_P(WorkloadsSim, AnOldClientsRollbackIsCarriedOut) {
  cluster.add_nodes(2);
  deploy("web", 3);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  set_image("web", "app:2");
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  cluster.patch("/apis/extensions/v1beta1/namespaces/default/deployments/web",
                R"({"spec":{"rollbackTo":{"revision":1}}})");
  ASSERT_TRUE(cluster.run_until(
      [&] { return rolled_out("web") && images() == std::set<std::string>{"app:1"}; }));
  EXPECT_EQ(events("web", "DeploymentRollback"),
            std::vector<std::string>{"Rolled back deployment \"web\" to revision 1"});
  EXPECT_FALSE(
      deployment("web").metadata.annotations.contains("deprecated.deployment.rollback.to"));
}

TEST_P(WorkloadsSim, RecreateNeverRunsTwoVersionsAtOnce) {
  cluster.add_nodes(2);
  deploy("web", 4, R"(,"strategy":{"type":"Recreate"})");
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  set_image("web", "app:2");
  std::size_t most = 0;
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }, minutes(5),
                                [&] { most = std::max(most, images().size()); }));
  EXPECT_EQ(most, 1u);
  EXPECT_EQ(images(), std::set<std::string>{"app:2"});
}

TEST_P(WorkloadsSim, APausedDeploymentScalesButDoesNotRoll) {
  cluster.add_nodes(2);
  deploy("web", 2);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  cluster.patch(kDeployments + "/web", R"({"spec":{"paused":true}})");
  set_image("web", "app:2");
  scale("web", 4);
  ASSERT_TRUE(cluster.run_until([&] { return ready_pods("web") == 4; }));
  EXPECT_EQ(condition("web", "Progressing"), "Unknown/DeploymentPaused");
  EXPECT_EQ(images(), std::set<std::string>{"app:1"});
  cluster.patch(kDeployments + "/web", R"({"spec":{"paused":false}})");
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web") && pods("web").size() == 4; }));
  EXPECT_EQ(images(), std::set<std::string>{"app:2"});
  EXPECT_EQ(condition("web", "Progressing"), "True/NewReplicaSetAvailable");
}

TEST_P(WorkloadsSim, ScalingInARolloutIsSharedOut) {
  cluster.add_nodes(4);
  deploy("web", 10, R"(,"strategy":{"rollingUpdate":{"maxSurge":3,"maxUnavailable":2}})");
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  set_image("web", "app:broken");
  const auto sizes = [&] {
    std::multiset<int> all;
    for (const auto& set : sets()) all.insert(set.spec.replicas.value_or(1));
    return all;
  };
  ASSERT_TRUE(cluster.run_until([&] { return sizes() == std::multiset<int>{5, 8}; }));
  scale("web", 15);
  EXPECT_TRUE(cluster.run_until([&] { return sizes() == std::multiset<int>{7, 11}; }));
}

TEST_P(WorkloadsSim, OldRevisionsAreKeptUpToTheLimit) {
  cluster.add_nodes(1);
  deploy("web", 1, R"(,"revisionHistoryLimit":2)");
  for (const char* image : {"app:2", "app:3", "app:4", "app:5"}) {
    ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
    set_image("web", image);
  }
  EXPECT_TRUE(cluster.run_until([&] { return rolled_out("web") && sets().size() == 3; }));
}

TEST_P(WorkloadsSim, AReplicationControllerAdoptsAndReleasesPods) {
  cluster.add_nodes(1);
  cluster.create(kPods, R"({"metadata":{"name":"stray","labels":{"app":"web"}},
      "spec":{"containers":[{"name":"c","image":"app:1"}]}})");
  cluster.create("/api/v1/namespaces/default/replicationcontrollers",
                 R"({"metadata":{"name":"web"},"spec":{"replicas":3,"selector":{"app":"web"},
      "template":{"metadata":{"labels":{"app":"web"}},
        "spec":{"containers":[{"name":"c","image":"app:1"}]}}}})");
  ASSERT_TRUE(cluster.run_until([&] { return ready_pods("web") == 3; }));
  EXPECT_EQ(pods("web").size(), 3u);  // The stray one among them.
  EXPECT_EQ(cluster.get<core_v1::Pod>("stray")->metadata.owner_references.size(), 1u);
  cluster.patch(kPods + "/stray", R"({"metadata":{"labels":{"app":"debug"}}})");
  ASSERT_TRUE(cluster.run_until([&] { return ready_pods("web") == 3; }));
  EXPECT_TRUE(cluster.get<core_v1::Pod>("stray")->metadata.owner_references.empty());
}

TEST_P(WorkloadsSim, TheSameSeedGivesTheSameRun) {
  const auto run = [&] {
    Cluster other(GetParam());
    other.add_nodes(2);
    other.create(kDeployments, R"({"metadata":{"name":"web"},"spec":{"replicas":7,
        "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
        "spec":{"containers":[{"name":"c","image":"app:1"}]}}}})");
    other.run_for(seconds(30));
    std::string names = std::to_string(other.revision());
    for (const auto& pod : other.list<core_v1::Pod>()) {
      names += ' ' + pod.metadata.name + '@' + pod.spec.node_name;
    }
    return names;
  };
  EXPECT_EQ(run(), run());
}

TEST_P(WorkloadsSim, WorkGrowsWithWhatChangesAndNotWithWhatThereIs) {
  cluster.add_nodes(3, "100");
  const auto writes_of = [&](const std::string& prefix, int count) {
    const std::size_t before = cluster.writes();
    for (int i = 0; i < count; ++i) deploy(prefix + std::to_string(i), 1);
    EXPECT_TRUE(cluster.run_until([&] {
      int done = 0;
      for (const auto& each : cluster.list<apps_v1::Deployment>()) {
        done += each.status.available_replicas;
      }
      return done == static_cast<int>(cluster.list<apps_v1::Deployment>().size());
    }));
    cluster.run_for(seconds(5));
    return cluster.writes() - before;
  };
  const std::size_t first = writes_of("a", 50);
  const std::size_t second = writes_of("b", 50);
  EXPECT_LT(first, 50u * 25);
  EXPECT_LT(second, first * 5 / 4);
}

}  // namespace
}  // namespace pinnace::sim
