#include "apiserver/bootstrap/bootstrap.h"

#include <set>

#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::Caller;
using testing::TestServer;

TEST(Bootstrap, MakesWhatEveryClusterHas) {
  TestServer server;
  for (const char* path : {"/api/v1/namespaces/default", "/api/v1/namespaces/kube-system",
                           "/api/v1/namespaces/kube-public", "/api/v1/namespaces/kube-node-lease",
                           "/apis/scheduling.k8s.io/v1/priorityclasses/system-node-critical",
                           "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/cluster-admin",
                           "/apis/rbac.authorization.k8s.io/v1/namespaces/kube-system/roles/"
                           "extension-apiserver-authentication-reader"}) {
    EXPECT_EQ(server.get(path)->status, 200) << path;
  }
  const auto ns = server.get("/api/v1/namespaces/default");
  EXPECT_EQ(ns->at("status", "phase"), "Active");
  EXPECT_EQ(ns->at("spec", "finalizers"), R"(["kubernetes"])");
  EXPECT_EQ(ns->at("metadata", "labels", "kubernetes.io/metadata.name"), "default");
}

TEST(Bootstrap, GivesTheApiItsServiceAndEndpoints) {
  TestServer server;
  const auto service = server.get("/api/v1/namespaces/default/services/kubernetes");
  EXPECT_EQ(service->at("spec", "clusterIP"), "10.96.0.1");
  EXPECT_EQ(service->at("spec", "sessionAffinity"), "None");
  const auto endpoints = server.get("/api/v1/namespaces/default/endpoints/kubernetes");
  EXPECT_EQ(endpoints->at("subsets"),
            R"([{"addresses":[{"ip":"127.0.0.1"}],)"
            R"("ports":[{"name":"https","port":6443,"protocol":"TCP"}]}])");
  const auto slice =
      server.get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
  EXPECT_EQ(slice->at("addressType"), "IPv4");
}

TEST(Bootstrap, TheServiceOfTheApiComesBack) {
  TestServer server;
  const std::string service = "/api/v1/namespaces/default/services/kubernetes";
  const std::string endpoints = "/api/v1/namespaces/default/endpoints/kubernetes";
  const std::string before = server.get(service)->at("spec", "clusterIP");
  ASSERT_EQ(server.remove(service)->status, 200);
  ASSERT_EQ(server.remove(endpoints)->status, 200);
  server.executor().advance(std::chrono::seconds(11));
  EXPECT_EQ(server.get(service)->at("spec", "clusterIP"), before);
  EXPECT_EQ(server.get(endpoints)->status, 200);
}

TEST(Bootstrap, EveryBindingHasItsRole) {
  TestServer server;
  std::set<std::string> names;
  for (const auto& role : bootstrap_roles()) {
    EXPECT_TRUE(names.insert(std::string(role.ns) + "/" + std::string(role.name)).second)
        << role.name;
    const std::string scope =
        role.ns.empty() ? "/clusterroles/" : "/namespaces/" + std::string(role.ns) + "/roles/";
    const auto stored =
        server.get("/apis/rbac.authorization.k8s.io/v1" + scope + std::string(role.name));
    ASSERT_EQ(stored->status, 200) << role.name;
    EXPECT_FALSE(stored->json().find("rules")->empty()) << role.name;
    for (const auto& rule : stored->json().find("rules")->items()) {
      EXPECT_FALSE(rule.find("verbs")->empty()) << role.name;
      const bool is_url = rule.find("nonResourceURLs") != nullptr;
      EXPECT_EQ(is_url, rule.find("resources") == nullptr) << role.name;
    }
  }
  for (const auto& binding : bootstrap_bindings()) {
    EXPECT_TRUE(names.contains(std::string(binding.ns) + "/" + std::string(binding.role)));
  }
  const auto bound = server.get(
      "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:controller:job-controller");
  EXPECT_EQ(bound->at("subjects"),
            R"([{"kind":"ServiceAccount","name":"job-controller","namespace":"kube-system"}])");
}

TEST(Bootstrap, RolesThatGatherShowTheRulesOfOthers) {
  TestServer server;
  const auto count = [&](const char* role) {
    const auto stored =
        server.get(std::string("/apis/rbac.authorization.k8s.io/v1/clusterroles/") + role);
    return stored->json().find("rules")->size();
  };
  EXPECT_EQ(count("view"), count("system:aggregate-to-view"));
  EXPECT_EQ(count("edit"), count("view") + count("system:aggregate-to-edit"));
  EXPECT_EQ(count("admin"), count("edit") + count("system:aggregate-to-admin"));
}

TEST(Bootstrap, IdentitiesOfTheClusterMayDoTheirWork) {
  TestServer server;
  const auto may = [&](const Caller& who, const char* method, const char* path) {
    const int status =
        server.call_as(who, method, path, std::string_view(method) == "GET" ? "" : "{}")->status;
    return status != 403 && status != 401;
  };
  const Caller controllers{"system:kube-controller-manager", {}};
  const Caller scheduler{"system:kube-scheduler", {}};
  const Caller node{"system:node:a", {"system:nodes"}};
  const Caller proxy{"system:kube-proxy", {}};
  EXPECT_TRUE(may(controllers, "GET", "/apis/apps/v1/deployments"));
  EXPECT_TRUE(may(controllers, "POST", "/apis/apps/v1/namespaces/default/replicasets"));
  EXPECT_TRUE(may(controllers, "DELETE", "/api/v1/namespaces/default/pods"));
  EXPECT_TRUE(
      may(controllers, "POST", "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"));
  EXPECT_FALSE(may(controllers, "POST", "/api/v1/namespaces"));
  EXPECT_TRUE(may(scheduler, "POST", "/api/v1/namespaces/default/pods/p/binding"));
  EXPECT_FALSE(may(scheduler, "GET", "/api/v1/secrets"));
  EXPECT_TRUE(may(node, "GET", "/api/v1/pods?fieldSelector=spec.nodeName%3Da"));
  EXPECT_FALSE(may(node, "GET", "/apis/apps/v1/deployments"));
  EXPECT_TRUE(may(proxy, "GET", "/apis/discovery.k8s.io/v1/endpointslices"));
  EXPECT_FALSE(may(proxy, "GET", "/api/v1/secrets"));
}

TEST(Bootstrap, DefaultRolesGiveNoMoreThanInKubernetes) {
  const auto rules_of = [](std::string_view name) {
    std::vector<std::string> texts;
    for (const auto& role : bootstrap_roles()) {
      if (role.name != name) continue;
      for (const Rule& rule : rules_of_text(role.rules)) texts.push_back(rule.text());
    }
    return texts;
  };
  EXPECT_EQ(rules_of("system:kube-controller-manager").size(), 11U);
  EXPECT_EQ(rules_of("system:kube-controller-manager")[9],
            R"({APIGroups:["*"], Resources:["*"], Verbs:["list" "watch"]})");
  EXPECT_EQ(rules_of("system:kube-scheduler").size(), 25U);
  EXPECT_EQ(
      rules_of("system:kube-dns"),
      std::vector<std::string>(
          {R"({APIGroups:[""], Resources:["endpoints" "services"], Verbs:["list" "watch"]})"}));
  EXPECT_EQ(rules_of("system:node-proxier").size(), 5U);
  EXPECT_EQ(rules_of("system:node").back(),
            R"({APIGroups:[""], Resources:["serviceaccounts"], Verbs:["get"]})");
}

TEST(Bootstrap, DefaultRolesGetBackWhatTheyLack) {
  const std::string rbac = "/apis/rbac.authorization.k8s.io/v1/";
  const std::string discovery = rbac + "clusterroles/system:discovery";
  const std::string viewer = rbac + "clusterroles/system:public-info-viewer";
  const std::string binding = rbac + "clusterrolebindings/system:discovery";
  auto disk = std::make_shared<store::MemoryDisk>();
  {
    TestServer first(true, disk);
    const std::string other = R"([{"verbs":["get"],"nonResourceURLs":["/mine"]}])";
    ASSERT_EQ(first.merge(discovery, "{\"rules\":" + other + "}")->status, 200);
    ASSERT_EQ(
        first
            .merge(viewer, R"({"metadata":{"annotations":{)"
                           R"("rbac.authorization.kubernetes.io/autoupdate":"false"}},"rules":)" +
                               other + "}")
            ->status,
        200);
    ASSERT_EQ(first.merge(binding, R"({"subjects":[]})")->status, 200);
  }
  TestServer second(true, disk);
  const std::string rules = second.get(discovery)->at("rules");
  EXPECT_NE(rules.find("/mine"), std::string::npos);
  EXPECT_NE(rules.find("/openapi/*"), std::string::npos);
  EXPECT_EQ(second.get(viewer)->at("rules").find("/healthz"), std::string::npos);
  EXPECT_NE(second.get(binding)->at("subjects").find("system:authenticated"), std::string::npos);
}

TEST(Bootstrap, NodesLoseTheRightsThatTheyOnceHadByABinding) {
  const std::string path = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings/system:node";
  auto disk = std::make_shared<store::MemoryDisk>();
  {
    TestServer first(true, disk);
    const auto bound =
        first.merge(path, R"({"subjects":[{"kind":"Group","name":"system:nodes","apiGroup":)"
                          R"("rbac.authorization.k8s.io"},{"kind":"User","name":"mine","apiGroup":)"
                          R"("rbac.authorization.k8s.io"}]})");
    ASSERT_EQ(bound->status, 200) << bound->body;
  }
  TestServer second(true, disk);
  const std::string subjects = second.get(path)->at("subjects");
  EXPECT_EQ(subjects.find("system:nodes"), std::string::npos) << subjects;
  EXPECT_NE(subjects.find("mine"), std::string::npos) << subjects;
}

TEST(Bootstrap, LooksOnlyForWhatIsMissing) {
  auto disk = std::make_shared<store::MemoryDisk>();
  std::string uid;
  {
    TestServer first(true, disk);
    uid = first.get("/api/v1/namespaces/default")->at("metadata", "uid");
    ASSERT_EQ(first.remove("/apis/rbac.authorization.k8s.io/v1/clusterroles/view")->status, 200);
  }
  TestServer second(true, disk);
  second.server();
  const auto writes = second.store().counts().writes;
  EXPECT_EQ(writes, 1U);
  EXPECT_EQ(second.get("/api/v1/namespaces/default")->at("metadata", "uid"), uid);
  EXPECT_EQ(second.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/view")->status, 200);
}

TEST(EventExpiry, DeletesAnEventAnHourAfterItsLastChange) {
  TestServer server;
  const std::string path = "/api/v1/namespaces/default/events";
  ASSERT_EQ(
      server.post(path, R"({"metadata":{"name":"e"},"involvedObject":{"namespace":"default"}})")
          ->status,
      201);
  server.executor().advance(std::chrono::minutes(40));
  ASSERT_EQ(server.merge(path + "/e", R"({"count":2})")->status, 200);
  server.executor().advance(std::chrono::minutes(40));
  EXPECT_EQ(server.get(path + "/e")->status, 200);
  server.executor().advance(std::chrono::minutes(30));
  EXPECT_EQ(server.get(path + "/e")->status, 404);
}

}  // namespace
}  // namespace pinnace::apiserver
