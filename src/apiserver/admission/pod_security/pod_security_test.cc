// The Pod Security Standards in a namespace that asks for them.
#include <gmock/gmock.h>

#include "apiserver/testing.h"
#include "io/files.h"
#include "store/test_support.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using ::testing::HasSubstr;
using testing::TestServer;

class PodSecurityTest : public ::testing::Test {
 protected:
  PodSecurityTest() { server_.make_service_account("default"); }
  void label(const std::string& labels) {
    const auto done =
        server_.merge("/api/v1/namespaces/default", R"({"metadata":{"labels":)" + labels + "}}");
    ASSERT_EQ(done->status, 200) << done->body;
    namespace_answer_ = done;
  }
  AnswerRef pod(const std::string& name, const std::string& context = "",
                const std::string& spec = "") {
    return server_.post("/api/v1/namespaces/default/pods",
                        R"({"metadata":{"name":")" + name + R"("},"spec":{)" + spec +
                            R"("containers":[{"name":"c","image":"i")" + context + "}]}}");
  }
  TestServer server_;
  AnswerRef namespace_answer_;
};

TEST_F(PodSecurityTest, RestrictedSaysAllThatIsMissing) {
  label(R"({"pod-security.kubernetes.io/enforce":"restricted"})");
  const auto refused = pod("a");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "pods \"a\" is forbidden: violates PodSecurity \"restricted:latest\": "
            "allowPrivilegeEscalation != false (container \"c\" must set "
            "securityContext.allowPrivilegeEscalation=false), unrestricted capabilities "
            "(container \"c\" must set securityContext.capabilities.drop=[\"ALL\"]), "
            "runAsNonRoot != true (pod or container \"c\" must set "
            "securityContext.runAsNonRoot=true), seccompProfile (pod or container \"c\" must set "
            "securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\")");
  EXPECT_EQ(pod("b", R"(,"securityContext":{"allowPrivilegeEscalation":false,"runAsNonRoot":true,)"
                     R"("capabilities":{"drop":["ALL"]},)"
                     R"("seccompProfile":{"type":"RuntimeDefault"}})")
                ->status,
            201);
  const std::string counted = server_.get("/metrics")->body;
  EXPECT_THAT(counted,
              HasSubstr("pod_security_evaluations_total{decision=\"deny\",mode=\"enforce\","
                        "policy_level=\"restricted\",policy_version=\"latest\","
                        "request_operation=\"create\",resource=\"pod\",subresource=\"\"} 1\n"));
  EXPECT_THAT(counted, HasSubstr("{decision=\"allow\",mode=\"enforce\",policy_level="
                                 "\"restricted\",policy_version=\"latest\","));
}

TEST_F(PodSecurityTest, BaselineKeepsPodsOffTheHost) {
  label(R"({"pod-security.kubernetes.io/enforce":"baseline",)"
        R"("pod-security.kubernetes.io/enforce-version":"v1.25"})");
  EXPECT_EQ(pod("a", R"(,"securityContext":{"privileged":true})",
                R"("hostNetwork":true,"hostPID":true,)"
                R"("volumes":[{"name":"v","hostPath":{"path":"/"}}],)")
                ->message(),
            "pods \"a\" is forbidden: violates PodSecurity \"baseline:v1.25\": host namespaces "
            "(hostNetwork=true, hostPID=true), hostPath volumes (volume \"v\"), privileged "
            "(container \"c\" must not set securityContext.privileged=true)");
  EXPECT_EQ(pod("b")->status, 201);
}

TEST_F(PodSecurityTest, WarnsOfWhatAWorkloadWouldMake) {
  label(R"({"pod-security.kubernetes.io/warn":"baseline"})");
  const auto made = server_.post(
      "/apis/apps/v1/namespaces/default/deployments",
      R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":)"
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"hostIPC":true,)"
      R"("containers":[{"name":"c","image":"i"}]}}}})");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_THAT(std::string(made->headers.get("warning")),
              HasSubstr("would violate PodSecurity \\\"baseline:latest\\\": host namespaces "
                        "(hostIPC=true)"));
}

TEST_F(PodSecurityTest, TellsOfPodsThatAStricterLevelFinds) {
  ASSERT_EQ(pod("old", R"(,"securityContext":{"privileged":true})")->status, 201);
  label(R"({"pod-security.kubernetes.io/enforce":"baseline"})");
  const auto warnings = namespace_answer_->headers.get_all("warning");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_EQ(warnings[0],
            "299 - \"existing pods in namespace \\\"default\\\" violate the new PodSecurity "
            "enforce level \\\"baseline:latest\\\"\"");
  EXPECT_EQ(warnings[1], "299 - \"old: privileged\"");
}

TEST_F(PodSecurityTest, RefusesLevelsThatThereAreNot) {
  const auto refused =
      server_.merge("/api/v1/namespaces/default",
                    R"({"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"strict"}}})");
  EXPECT_EQ(refused->status, 422);
  EXPECT_THAT(refused->message(), HasSubstr("must be one of privileged, baseline, restricted"));
}

// A server with a configuration of the plugin.
class ConfiguredPodSecurityTest : public ::testing::Test {
 protected:
  void configure(const std::string& rest) {
    ASSERT_TRUE(io::write_file(file_, R"(
apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: PodSecurity
  configuration:
    apiVersion: pod-security.admission.config.k8s.io/v1
    kind: PodSecurityConfiguration
)" + rest));
    server_.configuration.admission_control_config_file = file_;
  }
  const store::testing::ScratchDirectory scratch_;
  const std::string file_ = scratch_.path() + "/admission.yaml";
  TestServer server_;
};

TEST_F(ConfiguredPodSecurityTest, LabelsOfNamespacesThatAreExemptDoNothing) {
  configure(R"(
    defaults: {enforce: baseline, enforce-version: v1.20}
    exemptions: {namespaces: [free]}
)");
  const auto made = server_.post(
      "/api/v1/namespaces",
      R"({"metadata":{"name":"free","labels":{"pod-security.kubernetes.io/enforce":"restricted",)"
      R"("pod-security.kubernetes.io/audit":"baseline"}}})");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_THAT(std::string(made->headers.get("warning")),
              HasSubstr("namespace \\\"free\\\" is exempt from Pod Security, and the policy "
                        "(enforce=restricted:v1.20, audit=baseline:latest) will be ignored"));
  // Without labels the defaults count, of which everybody knows.
  const auto plain = server_.merge("/api/v1/namespaces/free", R"({"metadata":{"labels":null}})");
  EXPECT_EQ(plain->status, 200);
  EXPECT_EQ(plain->headers.get("warning"), "");
}

}  // namespace
}  // namespace pinnace::apiserver
