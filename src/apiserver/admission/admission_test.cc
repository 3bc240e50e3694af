// What the cluster as a whole has to say about a write.
#include "apiserver/admission/admission.h"

#include "apiserver/backend.h"
#include "apiserver/testing.h"
#include "io/files.h"
#include "store/test_support.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::TestServer;

const std::string kDefault = "/api/v1/namespaces/default/";

// A backend by itself, for what happens before a server starts.
struct TestBackend {
  io::SimExecutor executor;
  std::unique_ptr<store::EmbeddedStore> store = store::EmbeddedStore::create_in_memory({});
  std::unique_ptr<Rng> rng = seeded_rng(1);
  metrics::Registry metrics;
  BackendRef backend =
      std::make_shared<Backend>(Options{*store, executor, executor.clock(), *rng, metrics});
};

class AdmissionTest : public ::testing::Test {
 protected:
  AdmissionTest() { server_.make_service_account("default"); }
  AnswerRef pod(const std::string& name, const std::string& container = "",
                const std::string& spec = "") {
    return server_.post(kDefault + "pods", R"({"metadata":{"name":")" + name + R"("},"spec":{)" +
                                               spec + R"("containers":[{"name":"c","image":"i")" +
                                               container + "}]}}");
  }
  void make(const std::string& path, const std::string& body) {
    const auto made = server_.post(path, body);
    ASSERT_EQ(made->status, 201) << made->body;
  }
  TestServer server_;
};

TEST_F(AdmissionTest, QuotasCountPods) {
  make(kDefault + "resourcequotas", R"({"metadata":{"name":"q"},"spec":{"hard":{"pods":"1"}}})");
  EXPECT_EQ(pod("a")->status, 201);
  const auto refused = pod("b");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "pods \"b\" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: "
            "pods=1");
  server_.remove(kDefault + "pods/a");
  EXPECT_EQ(pod("b")->status, 201);
}

TEST_F(AdmissionTest, QuotasCountAmountsAndWantThemSaid) {
  make(kDefault + "resourcequotas",
       R"({"metadata":{"name":"q"},"spec":{"hard":{"requests.cpu":"1","limits.memory":"1Gi"}}})");
  EXPECT_EQ(pod("a")->message(),
            "pods \"a\" is forbidden: failed quota: q: must specify limits.memory for: c; "
            "requests.cpu for: c");
  EXPECT_EQ(
      pod("a", R"(,"resources":{"limits":{"memory":"512Mi"},"requests":{"cpu":"600m"}})")->status,
      201);
  EXPECT_EQ(pod("b", R"(,"resources":{"limits":{"memory":"768Mi"},"requests":{"cpu":"600m"}})")
                ->message(),
            "pods \"b\" is forbidden: exceeded quota: q, requested: "
            "limits.memory=768Mi,requests.cpu=600m, used: limits.memory=512Mi,requests.cpu=600m, "
            "limited: limits.memory=1Gi,requests.cpu=1");
}

TEST_F(AdmissionTest, QuotasCountObjectsOfAnyKind) {
  make(kDefault + "resourcequotas",
       R"({"metadata":{"name":"q"},"spec":{"hard":{"configmaps":"1","count/secrets":"0",)"
       R"("services.nodeports":"0"}}})");
  make(kDefault + "configmaps", R"({"metadata":{"name":"m"}})");
  EXPECT_EQ(server_.post(kDefault + "configmaps", R"({"metadata":{"name":"n"}})")->status, 403);
  EXPECT_EQ(server_.post(kDefault + "secrets", R"({"metadata":{"name":"n"}})")->status, 403);
  EXPECT_EQ(
      server_
          .post(kDefault + "services", R"({"metadata":{"name":"n"},"spec":{"type":"NodePort",)"
                                       R"("ports":[{"port":1}]}})")
          ->status,
      403);
  make(kDefault + "services", R"({"metadata":{"name":"n"},"spec":{"ports":[{"port":1}]}})");
}

TEST_F(AdmissionTest, QuotasMayConcernSomePodsOnly) {
  make(kDefault + "resourcequotas",
       R"({"metadata":{"name":"q"},"spec":{"hard":{"pods":"0"},"scopes":["NotBestEffort"]}})");
  EXPECT_EQ(pod("a")->status, 201);
  EXPECT_EQ(pod("b", R"(,"resources":{"requests":{"cpu":"1"}})")->status, 403);
}

TEST_F(AdmissionTest, LimitRangesFillInAndBound) {
  make(kDefault + "limitranges",
       R"({"metadata":{"name":"l"},"spec":{"limits":[{"type":"Container","default":{"cpu":"500m"},)"
       R"("defaultRequest":{"cpu":"100m"},"max":{"cpu":"1"},"min":{"cpu":"50m"}}]}})");
  const auto made = pod("a");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_NE(made->body.find(R"("resources":{"limits":{"cpu":"500m"},"requests":{"cpu":"100m"}})"),
            std::string::npos);
  EXPECT_EQ(pod("b", R"(,"resources":{"limits":{"cpu":"2"},"requests":{"cpu":"10m"}})")->message(),
            "pods \"b\" is forbidden: [minimum cpu usage per Container is 50m, but request is 10m, "
            "maximum cpu usage per Container is 1, but limit is 2]");
}

TEST_F(AdmissionTest, PriorityComesFromTheClass) {
  make("/apis/scheduling.k8s.io/v1/priorityclasses",
       R"({"metadata":{"name":"high"},"value":1000})");
  EXPECT_EQ(pod("a", "", R"("priorityClassName":"high",)")->at("spec", "priority"), "1000");
  EXPECT_EQ(pod("b")->at("spec", "priority"), "0");
  EXPECT_EQ(pod("c", "", R"("priorityClassName":"none",)")->message(),
            "pods \"c\" is forbidden: no PriorityClass with name none was found");
  EXPECT_EQ(
      pod("d", "", R"("priority":7,)")->message(),
      "pods \"d\" is forbidden: the integer value of priority (7) must not be provided in pod "
      "spec; priority admission controller computed 0 from the given PriorityClass name");
  make("/apis/scheduling.k8s.io/v1/priorityclasses",
       R"({"metadata":{"name":"usual"},"value":5,"globalDefault":true})");
  EXPECT_EQ(pod("e")->at("spec", "priorityClassName"), "usual");
}

TEST_F(AdmissionTest, PodsTolerateABadNodeForFiveMinutes) {
  const auto made = pod("a");
  EXPECT_NE(made->at("spec", "tolerations").find("node.kubernetes.io/not-ready"),
            std::string::npos);
  EXPECT_NE(made->at("spec", "tolerations").find("\"tolerationSeconds\":300"), std::string::npos);
}

TEST(AdmissionChain, RefusesPluginsThatThereAreNot) {
  TestBackend test;
  test.backend->options.configuration.enabled_admission_plugins = {"Nonsense"};
  const auto chain = AdmissionChain::create(*test.backend);
  ASSERT_FALSE(chain);
  EXPECT_TRUE(chain.error().message.starts_with("there is no admission plugin \"Nonsense\"; "))
      << chain.error().message;
}

TEST(AdmissionChain, SaysAllThatIsWrongInTheConfigurationOfPodSecurity) {
  const store::testing::ScratchDirectory scratch;
  const std::string file = scratch.path() + "/admission.yaml";
  ASSERT_TRUE(io::write_file(file, R"(
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
    defaults: {enforce: strict, warn-version: "1.20"}
    exemptions: {namespaces: [a, a], usernames: [""]}
)"));
  TestBackend test;
  test.backend->options.configuration.admission_control_config_file = file;
  const auto chain = AdmissionChain::create(*test.backend);
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().message,
            "admission plugin PodSecurity: [defaults.enforce: Invalid value: \"strict\": must be "
            "one of privileged, baseline, restricted, defaults.warn-version: Invalid value: "
            "\"1.20\": must be \"latest\" or \"v1.x\", exemptions.namespaces[1]: Duplicate "
            "value: \"a\", exemptions.usernames[0]: Invalid value: \"\": username must not be "
            "empty]");
}

TEST(AdmissionChain, LeavesOutPluginsThatAreOff) {
  TestServer server;
  server.configuration.disabled_admission_plugins = {"NamespaceLifecycle"};
  EXPECT_EQ(
      server.post("/api/v1/namespaces/nowhere/configmaps", R"({"metadata":{"name":"c"}})")->status,
      201);
}

}  // namespace
}  // namespace pinnace::apiserver
