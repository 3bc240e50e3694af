// Pods under PodSecurityPolicies: who may use which, what they fill in, what they refuse.
#include <gmock/gmock.h>

#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::Caller;
using ::testing::HasSubstr;
using testing::TestServer;

const Caller kJane{"jane", {"devs"}};

class PodSecurityPolicyTest : public ::testing::Test {
 protected:
  PodSecurityPolicyTest() {
    server_.configuration.enabled_admission_plugins = {"PodSecurityPolicy"};
    server_.make_service_account("default");
    grant("edit", "edit", R"({"kind":"ClusterRole","name":"edit"})", kJane.user);
  }

  void policy(const std::string& name, const std::string& more = "",
              const std::string& annotations = "{}", const std::string& user = "RunAsAny") {
    const auto made = server_.post(
        "/apis/policy/v1beta1/podsecuritypolicies",
        R"({"metadata":{"name":")" + name + R"(","annotations":)" + annotations +
            R"(},"spec":{"seLinux":{"rule":"RunAsAny"},"supplementalGroups":{"rule":"RunAsAny"},)" +
            R"("fsGroup":{"rule":"RunAsAny"},"volumes":["secret"],"runAsUser":{"rule":")" + user +
            "\"}" + more + "}}");
    ASSERT_EQ(made->status, 201) << made->body;
  }

  void grant(const std::string& name, const std::string& role, const std::string& reference,
             const std::string& user) {
    const auto bound = server_.post(
        "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
        R"({"metadata":{"name":")" + name +
            R"("},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io","name":")" +
            user + R"("}],"roleRef":)" + reference + "}");
    ASSERT_EQ(bound->status, 201) << role << bound->body;
  }

  void let_jane_use(const std::string& policy) {
    const auto made =
        server_.post("/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
                     R"({"metadata":{"name":")" + policy +
                         R"("},"rules":[{"apiGroups":["policy"],"resources":)"
                         R"(["podsecuritypolicies"],"verbs":["use"],"resourceNames":[")" +
                         policy + R"("]}]})");
    ASSERT_EQ(made->status, 201) << made->body;
    grant(policy, policy, R"({"kind":"Role","name":")" + policy + R"("})", kJane.user);
  }

  AnswerRef pod(const std::string& name, const std::string& context = "{}",
                const std::string& spec = "") {
    return server_.call_as(kJane, "POST", "/api/v1/namespaces/default/pods",
                           R"({"metadata":{"name":")" + name + R"("},"spec":{)" + spec +
                               R"("containers":[{"name":"c","image":"i","securityContext":)" +
                               context + "}]}}");
  }

  TestServer server_;
};

TEST_F(PodSecurityPolicyTest, WithoutPoliciesNoPodIsMade) {
  const auto refused = pod("a");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "pods \"a\" is forbidden: PodSecurityPolicy: no providers available to validate pod "
            "request");
}

TEST_F(PodSecurityPolicyTest, APolicyMustBeOneThatSomebodyMayUse) {
  policy("small");
  EXPECT_EQ(pod("a")->message(),
            "pods \"a\" is forbidden: PodSecurityPolicy: unable to admit pod: []");
  let_jane_use("small");
  const auto made = pod("b");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("metadata", "annotations", "kubernetes.io/psp"), "small");
}

TEST_F(PodSecurityPolicyTest, SaysAllThatIsNotAllowed) {
  policy("small", R"(,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,)"
                  R"("hostPorts":[{"min":80,"max":80},{"min":8000,"max":9000}])");
  let_jane_use("small");
  const auto refused =
      pod("a", R"({"privileged":true,"readOnlyRootFilesystem":false,"capabilities":{"add":["X"]}})",
          R"("hostPID":true,"hostNetwork":true,)"
          R"("volumes":[{"name":"h","hostPath":{"path":"/etc"}}],)");
  EXPECT_EQ(refused->status, 403);
  const std::string at = "spec.containers[0].securityContext.";
  EXPECT_EQ(
      refused->message(),
      "pods \"a\" is forbidden: PodSecurityPolicy: unable to admit pod: ["
      "spec.securityContext.hostNetwork: Invalid value: true: Host network is not allowed to be "
      "used spec.securityContext.hostPID: Invalid value: true: Host PID is not allowed to be used "
      "spec.volumes[0]: Invalid value: \"hostPath\": hostPath volumes are not allowed to be used " +
          at + "privileged: Invalid value: true: Privileged containers are not allowed " + at +
          "capabilities.add: Invalid value: \"X\": capability may not be added " + at +
          "readOnlyRootFilesystem: Invalid value: false: ReadOnlyRootFilesystem must be set to "
          "true]");
}

TEST_F(PodSecurityPolicyTest, FillsInWhatThePodLeavesOpen) {
  policy("strict",
         R"(,"readOnlyRootFilesystem":true,"allowPrivilegeEscalation":false,)"
         R"("requiredDropCapabilities":["KILL"],"defaultAddCapabilities":["CHOWN"])",
         R"({"seccomp.security.alpha.kubernetes.io/defaultProfileName":"runtime/default",)"
         R"("seccomp.security.alpha.kubernetes.io/allowedProfileNames":"runtime/default"})",
         R"(MustRunAs","ranges":[{"min":1000,"max":2000}],"x":")");
  let_jane_use("strict");
  const auto made = pod("a");
  ASSERT_EQ(made->status, 201) << made->body;
  const std::string context = api::to_json_text(
      *made->json().find_path({"spec", "containers"})->items()[0].find("securityContext"));
  EXPECT_THAT(context, HasSubstr(R"("runAsUser":1000)"));
  EXPECT_THAT(context, HasSubstr(R"("readOnlyRootFilesystem":true)"));
  EXPECT_THAT(context, HasSubstr(R"("allowPrivilegeEscalation":false)"));
  EXPECT_THAT(context, HasSubstr(R"("add":["CHOWN"],"drop":["KILL"])"));
  EXPECT_EQ(made->at("spec", "securityContext", "seccompProfile", "type"), "RuntimeDefault");
  EXPECT_THAT(pod("b", R"({"runAsUser":0})")->message(),
              HasSubstr("securityContext.runAsUser: Invalid value: 0: must be in the ranges: "
                        "[{1000 2000}]"));
}

TEST_F(PodSecurityPolicyTest, PrefersThePolicyThatChangesNothing) {
  policy("a-changes", R"(,"readOnlyRootFilesystem":true)");
  policy("b-leaves");
  let_jane_use("a-changes");
  let_jane_use("b-leaves");
  EXPECT_EQ(pod("a")->at("metadata", "annotations", "kubernetes.io/psp"), "b-leaves");
}

TEST_F(PodSecurityPolicyTest, PathsOfTheHostMayBeForReadingOnly) {
  policy("small");
  server_.merge("/apis/policy/v1beta1/podsecuritypolicies/small",
                R"({"spec":{"volumes":["secret","hostPath"],"allowedHostPaths":)"
                R"([{"pathPrefix":"/var/log","readOnly":true}]}})");
  let_jane_use("small");
  const auto with = [](const std::string& path) {
    return R"("volumes":[{"name":"h","hostPath":{"path":")" + path + R"("}}],)";
  };
  EXPECT_THAT(pod("a", "{}", with("/var/logs"))->message(),
              HasSubstr("spec.volumes[0].hostPath.pathPrefix: Invalid value: \"/var/logs\": is not "
                        "allowed to be used"));
  EXPECT_EQ(pod("b", "{}", with("/var/log/pods"))->status, 201);
  const auto writes = server_.call_as(kJane, "POST", "/api/v1/namespaces/default/pods",
                                      R"({"metadata":{"name":"c"},"spec":{)" + with("/var/log") +
                                          R"("containers":[{"name":"c","image":"i",)"
                                          R"("volumeMounts":[{"name":"h","mountPath":"/h"}]}]}})");
  EXPECT_THAT(
      writes->message(),
      HasSubstr("spec.containers[0].volumeMounts[0].readOnly: Invalid value: false: must be "
                "read-only"));
}

TEST_F(PodSecurityPolicyTest, OnlySafeSysctlsAndThoseItNamesAreAllowed) {
  policy("small",
         R"(,"forbiddenSysctls":["net.core.*"],"allowedUnsafeSysctls":["net.ipv4.tcp_*"])");
  let_jane_use("small");
  const auto with = [](const std::string& names) {
    return R"("securityContext":{"sysctls":[)" + names + "]},";
  };
  const auto refused = pod("a", "{}",
                           with(R"({"name":"net.core.somaxconn","value":"1"},)"
                                R"({"name":"kernel.msgmax","value":"1"})"));
  const std::string at = "pod.spec.securityContext.sysctls";
  EXPECT_THAT(refused->message(),
              HasSubstr(at + "[0]: Forbidden: sysctl \"net.core.somaxconn\" is not allowed " + at +
                        "[1]: Forbidden: unsafe sysctl \"kernel.msgmax\" is not allowed"));
  EXPECT_EQ(pod("b", "{}",
                with(R"({"name":"net.ipv4.tcp_fin_timeout","value":"1"},)"
                     R"({"name":"kernel.shm_rmid_forced","value":"1"})"))
                ->status,
            201);
}

TEST_F(PodSecurityPolicyTest, LabelsOfSeLinuxAreFilledInAndMustBeThose) {
  policy("small");
  server_.merge("/apis/policy/v1beta1/podsecuritypolicies/small",
                R"({"spec":{"seLinux":{"rule":"MustRunAs","seLinuxOptions":)"
                R"({"level":"s0:c1,c0","role":"r","type":"t","user":"u"}}}})");
  let_jane_use("small");
  EXPECT_EQ(pod("a")->at("spec", "securityContext", "seLinuxOptions", "type"), "t");
  const auto refused =
      pod("b", R"({"seLinuxOptions":{"level":"s0:c0,c1","role":"r","type":"x","user":"u"}})");
  EXPECT_THAT(refused->message(),
              HasSubstr("spec.containers[0].securityContext.seLinuxOptions.type: Invalid value: "
                        "\"x\": must be t"));
  EXPECT_EQ(refused->message().find("level"), std::string::npos) << "categories have no order";
}

TEST_F(PodSecurityPolicyTest, ProfilesOfAppArmorAreFilledInAndMustBeAllowed) {
  policy("small", "",
         R"({"apparmor.security.beta.kubernetes.io/allowedProfileNames":"runtime/default",)"
         R"("apparmor.security.beta.kubernetes.io/defaultProfileName":"runtime/default"})");
  let_jane_use("small");
  const std::string key = "container.apparmor.security.beta.kubernetes.io/c";
  EXPECT_EQ(pod("a")->json().find_path({"metadata", "annotations"})->string_at(key),
            "runtime/default");
  const auto refused =
      server_.call_as(kJane, "POST", "/api/v1/namespaces/default/pods",
                      R"({"metadata":{"name":"b","annotations":{")" + key +
                          R"(":"localhost/x"}},"spec":{"containers":[{"name":"c","image":"i"}]}})");
  EXPECT_THAT(refused->message(),
              HasSubstr("pod.metadata.annotations[" + key +
                        "]: Forbidden: localhost/x is not an allowed profile. Allowed values: "
                        "\"runtime/default\""));
}

TEST_F(PodSecurityPolicyTest, DriversOfFlexVolumesMustBeListed) {
  policy("small");
  server_.merge("/apis/policy/v1beta1/podsecuritypolicies/small",
                R"({"spec":{"volumes":["secret","flexVolume"],"allowedFlexVolumes":)"
                R"([{"driver":"example/lvm"}]}})");
  let_jane_use("small");
  const auto with = [](const std::string& driver) {
    return R"("volumes":[{"name":"v","flexVolume":{"driver":")" + driver + R"("}}],)";
  };
  EXPECT_THAT(
      pod("a", "{}", with("other/nfs"))->message(),
      HasSubstr("spec.volumes[0].driver: Invalid value: \"other/nfs\": Flexvolume driver is "
                "not allowed to be used"));
  EXPECT_EQ(pod("b", "{}", with("example/lvm"))->status, 201);
}

}  // namespace
}  // namespace pinnace::apiserver
