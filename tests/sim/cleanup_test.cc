#include "api/types/discovery_v1.h"
#include "sim/scenario.h"

namespace pinnace::sim {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

class CleanupSim : public Scenario {
 protected:
  bool all_gone() {
    return cluster.list<apps_v1::Deployment>().empty() &&
           cluster.list<apps_v1::ReplicaSet>().empty() && pods().empty();
  }
};
INSTANTIATE_TEST_SUITE_P(Seeds, CleanupSim, ::testing::ValuesIn(seeds()));

TEST_P(CleanupSim, ANewNamespaceGetsAnAccountAndTheRootCertificate) {
  cluster.create("/api/v1/namespaces", R"({"metadata":{"name":"team"}})");
  ASSERT_TRUE(cluster.run_until([&] {
    return cluster.get<core_v1::ServiceAccount>("default", "team") &&
           cluster.get<core_v1::ConfigMap>("kube-root-ca.crt", "team");
  }));
  EXPECT_EQ(cluster.get<core_v1::ConfigMap>("kube-root-ca.crt", "team")->data.at("ca.crt"),
            Cluster::authority_pem());
  const std::string in_team = "/api/v1/namespaces/team";
  cluster.patch(in_team + "/configmaps/kube-root-ca.crt", R"({"data":{"ca.crt":"forged"}})");
  cluster.remove(in_team + "/serviceaccounts/default");
  EXPECT_TRUE(cluster.run_until([&] {
    const auto map = cluster.get<core_v1::ConfigMap>("kube-root-ca.crt", "team");
    return cluster.get<core_v1::ServiceAccount>("default", "team") && map &&
           map->data.at("ca.crt") == Cluster::authority_pem();
  }));
}

TEST_P(CleanupSim, ADeletedNamespaceIsEmptiedAndGoes) {
  cluster.add_nodes(2);
  cluster.create("/api/v1/namespaces", R"({"metadata":{"name":"team"}})");
  cluster.run_for(seconds(1));
  cluster.create("/apis/apps/v1/namespaces/team/deployments",
                 R"({"metadata":{"name":"web"},"spec":{"replicas":6,
      "selector":{"matchLabels":{"app":"web"}},"template":{"metadata":{"labels":{"app":"web"}},
      "spec":{"containers":[{"name":"c","image":"app:1"}]}}}})");
  cluster.create(
      "/api/v1/namespaces/team/services",
      R"({"metadata":{"name":"web"},"spec":{"selector":{"app":"web"},"ports":[{"port":80}]}})");
  cluster.create("/api/v1/namespaces/team/secrets", R"({"metadata":{"name":"s"}})");
  ASSERT_TRUE(cluster.run_until([&] {
    const auto found = cluster.get<apps_v1::Deployment>("web", "team");
    return found && found->status.available_replicas == 6;
  }));
  cluster.remove("/api/v1/namespaces/team");
  EXPECT_EQ(cluster.get<core_v1::Namespace>("team", "")->status.phase, "Terminating");
  ASSERT_TRUE(cluster.run_until([&] { return !cluster.get<core_v1::Namespace>("team", ""); }));
  cluster.run_for(minutes(1));
  EXPECT_TRUE(cluster.list<core_v1::Pod>("team").empty());
  EXPECT_TRUE(cluster.list<core_v1::Secret>("team").empty());
  EXPECT_TRUE(cluster.list<core_v1::ConfigMap>("team").empty());
  EXPECT_TRUE(cluster.list<core_v1::ServiceAccount>("team").empty());
  EXPECT_TRUE(cluster.list<apps_v1::ReplicaSet>("team").empty());
  EXPECT_TRUE(cluster.list<core_v1::Endpoints>("team").empty());
  EXPECT_TRUE(cluster.list<api::discovery_v1::EndpointSlice>("team").empty());
}

TEST_P(CleanupSim, ANamespaceWaitsForFinalizersAndSaysSo) {
  cluster.create("/api/v1/namespaces", R"({"metadata":{"name":"team"}})");
  cluster.create("/api/v1/namespaces/team/configmaps",
                 R"({"metadata":{"name":"kept","finalizers":["example.com/keep"]}})");
  cluster.remove("/api/v1/namespaces/team");
  cluster.run_for(seconds(30));
  const auto ns = cluster.get<core_v1::Namespace>("team", "");
  ASSERT_TRUE(ns);
  std::string message;
  for (const auto& condition : ns->status.conditions) {
    if (condition.type == "NamespaceFinalizersRemaining") message = condition.message;
  }
  EXPECT_EQ(message,
            "Some content in the namespace has finalizers remaining: example.com/keep in 1 "
            "resource instances");
  cluster.patch("/api/v1/namespaces/team/configmaps/kept", R"({"metadata":{"finalizers":null}})");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.get<core_v1::Namespace>("team", ""); }));
}

TEST_P(CleanupSim, BackgroundDeletionTakesDependentsAfterwards) {
  cluster.add_nodes(2);
  deploy("web", 4);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  cluster.remove(kDeployments + "/web", "Background");
  EXPECT_TRUE(cluster.list<apps_v1::Deployment>().empty());  // At once.
  EXPECT_TRUE(cluster.run_until([&] { return all_gone(); }));
}

TEST_P(CleanupSim, ForegroundDeletionTakesDependentsFirst) {
  cluster.add_nodes(2);
  deploy("web", 4);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  cluster.remove(kDeployments + "/web", "Foreground");
  bool in_order = true;
  ASSERT_TRUE(cluster.run_until(
      [&] { return all_gone(); }, minutes(5),
      [&] {
        const bool has_deployment = !cluster.list<apps_v1::Deployment>().empty();
        const bool has_set = !cluster.list<apps_v1::ReplicaSet>().empty();
        in_order = in_order && (has_deployment || !has_set) && (has_set || pods().empty());
      }));
  EXPECT_TRUE(in_order);
}

TEST_P(CleanupSim, OrphansLiveOn) {
  cluster.add_nodes(2);
  deploy("web", 4);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  cluster.remove(kDeployments + "/web", "Orphan");
  ASSERT_TRUE(cluster.run_until([&] { return cluster.list<apps_v1::Deployment>().empty(); }));
  cluster.run_for(minutes(1));
  const auto sets = cluster.list<apps_v1::ReplicaSet>();
  ASSERT_EQ(sets.size(), 1u);
  EXPECT_TRUE(sets[0].metadata.owner_references.empty());
  EXPECT_EQ(ready_pods("web"), 4);
  // A Deployment with the same template takes them up again.
  deploy("web", 4);
  ASSERT_TRUE(cluster.run_until([&] { return rolled_out("web"); }));
  EXPECT_EQ(cluster.list<apps_v1::ReplicaSet>().size(), 1u);
}

TEST_P(CleanupSim, AnOwnerThatNeverWasTakesItsDependentsAlong) {
  cluster.create(
      "/api/v1/namespaces/default/configmaps",
      R"({"metadata":{"name":"lost","ownerReferences":[{"apiVersion":"v1","kind":"Secret",
      "name":"ghost","uid":"b1d0a3f4-0000-4000-8000-000000000000"}]}})");
  cluster.create("/api/v1/namespaces/default/configmaps", R"({"metadata":{"name":"free"}})");
  EXPECT_TRUE(cluster.run_until([&] { return !cluster.get<core_v1::ConfigMap>("lost"); }));
  EXPECT_TRUE(cluster.get<core_v1::ConfigMap>("free"));
}

}  // namespace
}  // namespace pinnace::sim
