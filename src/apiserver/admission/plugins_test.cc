// What each plugin says, asked over the API of a server that has it on.
#include <gmock/gmock.h>

#include "apiserver/admission/plugin_table.h"
#include "apiserver/testing.h"
#include "io/files.h"
#include "store/test_support.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using testing::TestServer;

const std::string kDefault = "/api/v1/namespaces/default/";
const testing::Caller kNodeAgent{"system:node:n1", {"system:nodes"}};

class PluginsTest : public ::testing::Test {
 protected:
  void with(const std::string& plugin) {
    server_.configuration.enabled_admission_plugins = {plugin};
    server_.make_service_account("default");
  }
  AnswerRef pod(const std::string& spec = "", const std::string& meta = R"("name":"p")") {
    return server_.post(kDefault + "pods", R"({"metadata":{)" + meta + R"(},"spec":{)" + spec +
                                               R"("containers":[{"name":"c","image":"i"}]}})");
  }
  void make(const std::string& path, const std::string& body) {
    const auto made = server_.post(path, body);
    ASSERT_EQ(made->status, 201) << made->body;
  }
  TestServer server_;
};

TEST(PluginTable, HasEveryNameOnceAndTheLastWordForThoseWhoCount) {
  std::set<std::string_view> names;
  for (const PluginRow& row : admission_plugins()) {
    EXPECT_TRUE(names.insert(row.plugin->name).second) << row.plugin->name;
    const bool acts = row.plugin->mutate != nullptr || row.plugin->validate != nullptr ||
                      row.plugin->mutate_by_asking != nullptr ||
                      row.plugin->validate_by_asking != nullptr;
    const bool is_empty =
        row.plugin->name == "AlwaysAdmit" || row.plugin->name == "PersistentVolumeLabel";
    EXPECT_NE(acts, is_empty) << row.plugin->name;
  }
  EXPECT_EQ(admission_plugins().back().plugin->name, "AlwaysDeny");
}

TEST_F(PluginsTest, NamespaceAutoProvisionMakesTheNamespace) {
  with("NamespaceAutoProvision");
  make("/api/v1/namespaces/fresh/configmaps", R"({"metadata":{"name":"m"}})");
  const auto made = server_.get("/api/v1/namespaces/fresh");
  EXPECT_EQ(made->at("status", "phase"), "Active");
  EXPECT_EQ(made->at("metadata", "labels"), R"({"kubernetes.io/metadata.name":"fresh"})");
}

TEST_F(PluginsTest, AlwaysPullImagesChangesThePolicy) {
  with("AlwaysPullImages");
  const auto made =
      server_.post(kDefault + "pods",
                   R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i:1",)"
                   R"("imagePullPolicy":"Never"}]}})");
  EXPECT_THAT(made->body, HasSubstr(R"("imagePullPolicy":"Always")"));
}

TEST_F(PluginsTest, LimitPodHardAntiAffinityTopologyKeepsItToNodes) {
  with("LimitPodHardAntiAffinityTopology");
  EXPECT_THAT(
      pod(R"("affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":)"
          R"([{"topologyKey":"zone","labelSelector":{"matchLabels":{"a":"b"}}}]}},)")
          ->message(),
      EndsWith("has TopologyKey zone but only key kubernetes.io/hostname is allowed"));
}

TEST_F(PluginsTest, DenyServiceExternalIpsRefusesNewOnes) {
  with("DenyServiceExternalIPs");
  const auto refused = server_.post(
      kDefault + "services",
      R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":1}],"externalIPs":["192.0.2.1"]}})");
  EXPECT_EQ(refused->message(),
            "services \"s\" is forbidden: Use of external IPs is denied by "
            "admission control.");
}

TEST_F(PluginsTest, WhatIsLimitedNeedsAQuota) {
  const store::testing::ScratchDirectory scratch;
  const std::string file = scratch.path() + "/admission.yaml";
  ASSERT_TRUE(io::write_file(file, R"(
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ResourceQuota
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: ResourceQuotaConfiguration
    limitedResources:
    - {resource: pods, matchContains: [cpu, pods], matchScopes: [{scopeName: PriorityClass, operator: In, values: [dear, dearer]}]}
    - {resource: services, matchContains: [nodeports]}
)"));
  server_.configuration.admission_control_config_file = file;
  with("ResourceQuota");
  constexpr std::string_view kCluster =
      R"({"metadata":{"name":"s"},"spec":{"type":"ClusterIP","ports":[{"port":1}]}})";
  EXPECT_EQ(server_.post(kDefault + "services", kCluster)->status, 201);
  constexpr std::string_view kNodePort =
      R"({"metadata":{"name":"n"},"spec":{"type":"NodePort","ports":[{"port":1}]}})";
  EXPECT_THAT(server_.post(kDefault + "services", kNodePort)->message(),
              EndsWith("is forbidden: insufficient quota to consume: services.nodeports"));

  const std::string cpu = R"("resources":{"requests":{"cpu":"1"},"limits":{"memory":"1Gi"}},)";
  EXPECT_THAT(pod(cpu)->message(), EndsWith("is forbidden: insufficient quota to consume: "
                                            "count/pods,cpu,pods,requests.cpu"));
  make(kDefault + "resourcequotas",
       R"({"metadata":{"name":"q"},"spec":{"hard":{"pods":"5","count/pods":"5","cpu":"5"}}})");
  EXPECT_THAT(pod(cpu)->message(),
              EndsWith("is forbidden: insufficient quota to consume: requests.cpu"));
  make(kDefault + "resourcequotas",
       R"({"metadata":{"name":"r"},"spec":{"hard":{"requests.cpu":"5"}}})");
  EXPECT_EQ(pod(cpu)->status, 201);

  make("/apis/scheduling.k8s.io/v1/priorityclasses", R"({"metadata":{"name":"dear"},"value":1})");
  const auto dear = pod(cpu + R"("priorityClassName":"dear",)", R"("name":"dear")");
  EXPECT_EQ(dear->status, 500);
  EXPECT_EQ(dear->message(),
            "insufficient quota to match these scopes: [{PriorityClass In [dear dearer]}]");
  make(kDefault + "resourcequotas",
       R"({"metadata":{"name":"d"},"spec":{"hard":{"pods":"1"},"scopeSelector":{)"
       R"("matchExpressions":[{"scopeName":"PriorityClass","operator":"Exists"}]}}})");
  EXPECT_EQ(pod(cpu + R"("priorityClassName":"dear",)", R"("name":"dear")")->status, 201);
}

TEST_F(PluginsTest, PodNodeSelectorTakesTheNamespaces) {
  with("PodNodeSelector");
  server_.merge("/api/v1/namespaces/default",
                R"({"metadata":{"annotations":{"scheduler.alpha.kubernetes.io/node-selector":)"
                R"("disk=fast"}}})");
  EXPECT_EQ(pod()->at("spec", "nodeSelector"), R"({"disk":"fast"})");
  EXPECT_EQ(pod(R"("nodeSelector":{"disk":"slow"},)", R"("name":"q")")->message(),
            "pods \"q\" is forbidden: pod node label selector conflicts with its namespace node "
            "label selector");
  server_.merge("/api/v1/namespaces/default",
                R"({"metadata":{"annotations":{"scheduler.alpha.kubernetes.io/node-selector":)"
                R"("disk=fast=er"}}})");
  const auto refused = pod("", R"("name":"q")");
  EXPECT_EQ(refused->status, 500);
  EXPECT_EQ(refused->message(), "invalid selector: [disk fast er]");
}

TEST_F(PluginsTest, PodTolerationRestrictionKeepsToTheList) {
  with("PodTolerationRestriction");
  server_.merge("/api/v1/namespaces/default",
                R"({"metadata":{"annotations":{"scheduler.alpha.kubernetes.io/)"
                R"(tolerationsWhitelist":"[{\"key\":\"node.kubernetes.io/not-ready\",)"
                R"(\"operator\":\"Exists\"},{\"key\":\"node.kubernetes.io/unreachable\",)"
                R"(\"operator\":\"Exists\"}]"}}})");
  EXPECT_EQ(pod()->status, 201);
  const auto refused =
      pod(R"("tolerations":[{"key":"gpu","operator":"Exists"}],)", R"("name":"q")");
  EXPECT_EQ(refused->status, 500);
  EXPECT_EQ(refused->message(),
            "pod tolerations (possibly merged with namespace default tolerations) conflict with "
            "its namespace whitelist");
}

TEST_F(PluginsTest, PodTolerationRestrictionPrefersAnEmptyListToTheDefault) {
  const store::testing::ScratchDirectory scratch;
  const std::string file = scratch.path() + "/admission.yaml";
  ASSERT_TRUE(io::write_file(file, R"(
apiVersion: apiserver.k8s.io/v1alpha1
kind: AdmissionConfiguration
plugins:
- name: PodTolerationRestriction
  configuration:
    apiVersion: podtolerationrestriction.admission.k8s.io/v1alpha1
    kind: Configuration
    default: [{key: dear, operator: Exists}]
    whitelist: [{key: node.kubernetes.io/not-ready, operator: Exists}, {key: node.kubernetes.io/unreachable, operator: Exists}, {key: dear, operator: Exists}]
)"));
  server_.configuration.admission_control_config_file = file;
  with("PodTolerationRestriction");
  EXPECT_THAT(pod()->at("spec", "tolerations"), HasSubstr(R"("key":"dear")"));
  EXPECT_EQ(
      pod(R"("tolerations":[{"key":"gpu","operator":"Exists"}],)", R"("name":"q")")->message(),
      "pod tolerations (possibly merged with namespace default tolerations) conflict with its "
      "cluster whitelist");
  server_.merge("/api/v1/namespaces/default",
                R"({"metadata":{"annotations":{"scheduler.alpha.kubernetes.io/)"
                R"(defaultTolerations":""}}})");
  EXPECT_THAT(pod("", R"("name":"r")")->at("spec", "tolerations"),
              ::testing::Not(HasSubstr(R"("key":"dear")")));
}

TEST_F(PluginsTest, ExtendedResourceTolerationToleratesTheDevice) {
  with("ExtendedResourceToleration");
  const auto made = server_.post(
      kDefault + "pods",
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i","resources":)"
      R"({"limits":{"example.com/gpu":"1"}}}]}})");
  EXPECT_THAT(made->at("spec", "tolerations"),
              HasSubstr(R"({"key":"example.com/gpu","operator":"Exists"})"));
  // Beside one that tolerates everything, too.
  const auto other = server_.post(
      kDefault + "pods",
      R"({"metadata":{"name":"q"},"spec":{"tolerations":[{"operator":"Exists"}],"containers":[)"
      R"({"name":"c","image":"i","resources":{"limits":{"example.com/gpu":"1"}}}]}})");
  EXPECT_EQ(other->at("spec", "tolerations"),
            R"([{"operator":"Exists"},{"key":"example.com/gpu","operator":"Exists"}])");
}

TEST_F(PluginsTest, RuntimeClassGivesOverheadAndPlace) {
  with("RuntimeClass");
  make("/apis/node.k8s.io/v1/runtimeclasses",
       R"({"metadata":{"name":"vm"},"handler":"vm","overhead":{"podFixed":{"cpu":"250m"}},)"
       R"("scheduling":{"nodeSelector":{"vm":"yes"}}})");
  const auto made = pod(R"("runtimeClassName":"vm",)");
  EXPECT_EQ(made->at("spec", "overhead"), R"({"cpu":"250m"})");
  EXPECT_EQ(made->at("spec", "nodeSelector"), R"({"vm":"yes"})");
  EXPECT_EQ(pod(R"("runtimeClassName":"none",)", R"("name":"q")")->message(),
            "pods \"q\" is forbidden: pod rejected: RuntimeClass \"none\" not found");
}

TEST_F(PluginsTest, DefaultClassesAreTheNewestOnes) {
  with("DefaultStorageClass");
  const auto storage_class = [&](const std::string& name) {
    make("/apis/storage.k8s.io/v1/storageclasses",
         R"({"metadata":{"name":")" + name +
             R"(","annotations":{"storageclass.kubernetes.io/is-default-class":"true"}},)"
             R"("provisioner":"example.com/p"})");
  };
  storage_class("old");
  server_.executor().advance(std::chrono::seconds(5));
  storage_class("a-new-one");
  const auto made =
      server_.post(kDefault + "persistentvolumeclaims",
                   R"({"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],)"
                   R"("resources":{"requests":{"storage":"1Gi"}}}})");
  EXPECT_EQ(made->at("spec", "storageClassName"), "a-new-one") << made->body;
}

TEST_F(PluginsTest, NodeAgentsMayNotSteerPods) {
  with("NodeRestriction");
  const auto make_node = [&](const std::string& labels) {
    return server_.call_as(kNodeAgent, "POST", "/api/v1/nodes",
                           R"({"metadata":{"name":"n1","labels":{)" + labels + "}}}");
  };
  EXPECT_THAT(make_node(R"("node-restriction.kubernetes.io/secure":"yes")")->message(),
              EndsWith("is not allowed to set the following labels: "
                       "node-restriction.kubernetes.io/secure"));
  EXPECT_EQ(make_node(R"("kubernetes.io/hostname":"n1","mine":"yes")")->status, 201);
  EXPECT_THAT(server_
                  .call_as(kNodeAgent, "PATCH", "/api/v1/nodes/n1", R"({"spec":{"taints":[]}})",
                           "application/merge-patch+json")
                  ->message(),
              HasSubstr("is not allowed to modify taints"));
}

TEST_F(PluginsTest, NewNodesAreTaintedUntilTheyAreReady) {
  with("TaintNodesByCondition");
  make("/api/v1/nodes", R"({"metadata":{"name":"n1"}})");
  EXPECT_THAT(server_.get("/api/v1/nodes/n1")->at("spec", "taints"),
              HasSubstr(R"("key":"node.kubernetes.io/not-ready")"));
}

TEST_F(PluginsTest, BoundPodsGetTheirNodesTopology) {
  with("PodTopologyLabels");
  make("/api/v1/nodes",
       R"({"metadata":{"name":"n1","labels":{"topology.kubernetes.io/zone":"z1"}}})");
  ASSERT_EQ(pod()->status, 201);
  make(kDefault + "pods/p/binding",
       R"({"metadata":{"name":"p"},"target":{"kind":"Node","name":"n1"}})");
  EXPECT_EQ(server_.get(kDefault + "pods/p")->at("metadata", "labels"),
            R"({"topology.kubernetes.io/zone":"z1"})");
}

TEST_F(PluginsTest, PodPresetsFillInWhatTheySelect) {
  with("PodPreset");
  const auto made =
      server_.post("/apis/settings.k8s.io/v1alpha1/namespaces/default/podpresets",
                   R"({"metadata":{"name":"db"},"spec":{"selector":{"matchLabels":{"app":"web"}},)"
                   R"("env":[{"name":"PORT","value":"6379"}]}})");
  ASSERT_EQ(made->status, 201) << made->body;
  const auto web = pod("", R"("name":"p","labels":{"app":"web"})");
  EXPECT_THAT(web->body, HasSubstr(R"({"name":"PORT","value":"6379"})"));
  EXPECT_THAT(web->at("metadata", "annotations"),
              HasSubstr("podpreset.admission.kubernetes.io/podpreset-db"));
}

TEST_F(PluginsTest, OwnersThatBlockAreForThoseWhoMayHoldThem) {
  with("OwnerReferencesPermissionEnforcement");
  make("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
       R"({"metadata":{"name":"maps"},"rules":[{"apiGroups":[""],"resources":["configmaps"],)"
       R"("verbs":["*"]}]})");
  make("/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
       R"({"metadata":{"name":"maps"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io",)"
       R"("kind":"Role","name":"maps"},"subjects":[{"kind":"User","name":"bob",)"
       R"("apiGroup":"rbac.authorization.k8s.io"}]})");
  const auto refused = server_.call_as(
      {"bob", {}}, "POST", kDefault + "configmaps",
      R"({"metadata":{"name":"m","ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"p",)"
      R"("uid":"u","blockOwnerDeletion":true}]}})");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "configmaps \"m\" is forbidden: cannot set blockOwnerDeletion if an ownerReference "
            "refers to a resource you can't set finalizers on: , <nil>");
  const auto unknown = server_.call_as(
      {"bob", {}}, "POST", kDefault + "configmaps",
      R"({"metadata":{"name":"m","ownerReferences":[{"apiVersion":"a/v1","kind":"X","name":"p",)"
      R"("uid":"u","blockOwnerDeletion":true}]}})");
  EXPECT_EQ(unknown->message(),
            "configmaps \"m\" is forbidden: cannot set blockOwnerDeletion in this case because "
            "cannot find RESTMapping for APIVersion a/v1 Kind X: no matches for kind \"X\" in "
            "version \"a/v1\"");
}

TEST_F(PluginsTest, EventRateLimitCountsEveryEventAgainstEveryLimit) {
  const store::testing::ScratchDirectory scratch;
  const std::string file = scratch.path() + "/admission.yaml";
  ASSERT_TRUE(io::write_file(file, R"(
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: EventRateLimit
  configuration:
    apiVersion: eventratelimit.admission.k8s.io/v1alpha1
    kind: Configuration
    limits:
    - {type: Namespace, qps: 1, burst: 1}
    - {type: SourceAndObject, qps: 1, burst: 2}
)"));
  server_.configuration.admission_control_config_file = file;
  with("EventRateLimit");
  const auto event = [&](const std::string& name) {
    return server_.post(kDefault + "events",
                        R"({"metadata":{"name":")" + name +
                            R"("},"source":{"component":"c","host":"h"},"involvedObject":{)"
                            R"("kind":"Pod","namespace":"default","name":"p","uid":"u"}})");
  };
  EXPECT_EQ(event("a")->status, 201);
  const auto refused = event("b");
  EXPECT_EQ(refused->status, 429);
  EXPECT_EQ(refused->at("details"), "");
  EXPECT_EQ(refused->message(),
            "Too many requests: limit reached on type Namespace for key default");
  EXPECT_EQ(event("c")->message(),
            "Too many requests: limit reached on type SourceAndObject for key chPoddefaultpu");
  // Another kind.
  EXPECT_EQ(server_
                .post("/apis/events.k8s.io/v1/namespaces/default/events",
                      R"({"metadata":{"name":"d"},"eventTime":"2026-01-01T00:00:00.000000Z",)"
                      R"("reportingController":"a.io/c","reportingInstance":"i","action":"a",)"
                      R"("reason":"r","type":"Normal","regarding":{"namespace":"default"}})")
                ->status,
            201);
}

}  // namespace
}  // namespace pinnace::apiserver
