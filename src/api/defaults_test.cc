#include "api/defaults.h"

#include <gtest/gtest.h>

#include <string>

#include "api/default_rules.h"
#include "api/json.h"
#include "api/object_codec.h"

namespace pinnace::api {
namespace {

std::string defaulted(std::string_view group, std::string_view version, std::string_view kind,
                      std::string_view json) {
  Arena arena;
  const TypeInfo* type = builtin_schema().find_type(group, version, kind);
  if (type == nullptr) return "no type";
  auto value = parse_json(arena, json);
  if (!value) return value.error().message;
  if (auto done = normalise(arena, *value, *type); !done) return done.error().message;
  apply_defaults(arena, *value, *type);
  return to_json_text(*value);
}

TEST(Defaults, FillAMinimalPod) {
  EXPECT_EQ(
      defaulted("", "v1", "Pod",
                R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"a"},)"
                R"("spec":{"containers":[{"name":"c","image":"nginx"}]}})"),
      R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":"a"},)"
      R"("spec":{"containers":[{"name":"c","image":"nginx","resources":{},)"
      R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
      R"("imagePullPolicy":"Always"}],"restartPolicy":"Always","terminationGracePeriodSeconds":30,)"
      R"("dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler",)"
      R"("enableServiceLinks":true},"status":{}})");
}

TEST(Defaults, FillProbesPortsVolumesAndRequests) {
  EXPECT_EQ(
      defaulted(
          "", "v1", "Pod",
          R"({"spec":{"hostNetwork":true,"serviceAccountName":"sa","containers":[{"name":"c",)"
          R"("image":"r.io:5000/app:v1","ports":[{"containerPort":80}],)"
          R"("resources":{"limits":{"memory":"1024Mi","cpu":0.5}},)"
          R"("readinessProbe":{"httpGet":{"port":80}}}],"volumes":[{"name":"e"},)"
          R"({"name":"s","secret":{"secretName":"x"}},{"name":"h","hostPath":{"path":"/x"}}]}})"),
      R"({"metadata":{},"spec":{"volumes":[{"name":"e","emptyDir":{}},)"
      R"({"name":"s","secret":{"secretName":"x","defaultMode":420}},)"
      R"({"name":"h","hostPath":{"path":"/x","type":""}}],"containers":[{"name":"c",)"
      R"("image":"r.io:5000/app:v1","ports":[{"hostPort":80,"containerPort":80,"protocol":"TCP"}],)"
      R"("resources":{"limits":{"cpu":"500m","memory":"1Gi"},"requests":{"cpu":"500m","memory":"1Gi"}},)"
      R"("readinessProbe":{"httpGet":{"path":"/","port":80,"scheme":"HTTP"},"timeoutSeconds":1,)"
      R"("periodSeconds":10,"successThreshold":1,"failureThreshold":3},)"
      R"("terminationMessagePath":"/dev/termination-log","terminationMessagePolicy":"File",)"
      R"("imagePullPolicy":"IfNotPresent"}],"restartPolicy":"Always",)"
      R"("terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst","serviceAccountName":"sa",)"
      R"("serviceAccount":"sa","hostNetwork":true,"securityContext":{},)"
      R"("schedulerName":"default-scheduler","enableServiceLinks":true},"status":{}})");
}

constexpr std::string_view kDeployment =
    R"({"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},)"
    R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[]}}}})";
constexpr std::string_view kTemplate =
    R"("template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[],)"
    R"("restartPolicy":"Always","terminationGracePeriodSeconds":30,"dnsPolicy":"ClusterFirst",)"
    R"("securityContext":{},"schedulerName":"default-scheduler"}},)";

TEST(Defaults, FillADeploymentOfToday) {
  EXPECT_EQ(
      defaulted("apps", "v1", "Deployment", kDeployment),
      R"({"metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},)" +
          std::string(kTemplate) +
          R"("strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":"25%",)"
          R"("maxSurge":"25%"}},"revisionHistoryLimit":10,"progressDeadlineSeconds":600},)"
          R"("status":{}})");
}

TEST(Defaults, FillAnOldDeploymentFromItsTemplate) {
  EXPECT_EQ(
      defaulted("extensions", "v1beta1", "Deployment",
                R"({"metadata":{"name":"d"},"spec":{"template":{"metadata":{"labels":{"a":"b"}},)"
                R"("spec":{"containers":[]}}}})"),
      R"({"metadata":{"name":"d","labels":{"a":"b"}},)"
      R"("spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},)" +
          std::string(kTemplate) +
          R"("strategy":{"type":"RollingUpdate","rollingUpdate":{"maxUnavailable":1,"maxSurge":1}},)"
          R"("revisionHistoryLimit":2147483647,"progressDeadlineSeconds":2147483647},"status":{}})");
}

TEST(Defaults, LeaveARecreateStrategyAlone) {
  const auto text = defaulted("apps", "v1", "Deployment",
                              R"({"spec":{"strategy":{"type":"Recreate"},"template":{}}})");
  EXPECT_NE(text.find(R"("strategy":{"type":"Recreate"},)"), std::string::npos) << text;
}

TEST(Defaults, FillAStatefulSetAndADaemonSet) {
  const auto set = defaulted("apps", "v1", "StatefulSet",
                             R"({"spec":{"volumeClaimTemplates":[{"metadata":{"name":"v"}}]}})");
  EXPECT_NE(
      set.find(R"("updateStrategy":{"type":"RollingUpdate","rollingUpdate":{"partition":0}})"),
      std::string::npos)
      << set;
  EXPECT_NE(set.find(R"("volumeClaimTemplates":[{"kind":"PersistentVolumeClaim","apiVersion":"v1",)"
                     R"("metadata":{"name":"v"},"spec":{"resources":{},"volumeMode":"Filesystem"},)"
                     R"("status":{"phase":"Pending"}}])"),
            std::string::npos)
      << set;
  EXPECT_NE(set.find(R"("podManagementPolicy":"OrderedReady")"), std::string::npos);
  const auto daemons = defaulted("apps", "v1", "DaemonSet", R"({"spec":{}})");
  EXPECT_NE(daemons.find(R"("updateStrategy":{"type":"RollingUpdate",)"
                         R"("rollingUpdate":{"maxUnavailable":1,"maxSurge":0}})"),
            std::string::npos)
      << daemons;
  const auto old_set = defaulted("apps", "v1beta1", "StatefulSet", R"({"spec":{}})");
  EXPECT_NE(old_set.find(R"("updateStrategy":{"type":"OnDelete"})"), std::string::npos) << old_set;
}

TEST(Defaults, FillAService) {
  EXPECT_EQ(
      defaulted("", "v1", "Service", R"({"metadata":{"name":"s"},"spec":{"ports":[{"port":80}]}})"),
      R"({"metadata":{"name":"s"},"spec":{"ports":[{"protocol":"TCP","port":80,)"
      R"("targetPort":80}],"type":"ClusterIP","sessionAffinity":"None",)"
      R"("internalTrafficPolicy":"Cluster"},"status":{"loadBalancer":{}}})");
  EXPECT_EQ(
      defaulted("", "v1", "Service",
                R"({"spec":{"type":"LoadBalancer","sessionAffinity":"ClientIP",)"
                R"("ports":[{"port":80,"targetPort":"http"}]},)"
                R"("status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4"}]}}})"),
      R"({"metadata":{},"spec":{"ports":[{"protocol":"TCP","port":80,"targetPort":"http"}],)"
      R"("type":"LoadBalancer","sessionAffinity":"ClientIP","externalTrafficPolicy":"Cluster",)"
      R"("sessionAffinityConfig":{"clientIP":{"timeoutSeconds":10800}},)"
      R"("allocateLoadBalancerNodePorts":true,"internalTrafficPolicy":"Cluster"},)"
      R"("status":{"loadBalancer":{"ingress":[{"ip":"1.2.3.4","ipMode":"VIP"}]}}})");
}

TEST(Defaults, LeaveAnExternalNameServiceWithoutPolicies) {
  EXPECT_EQ(defaulted("", "v1", "Service",
                      R"({"spec":{"type":"ExternalName","externalName":"x.example"}})"),
            R"({"metadata":{},"spec":{"type":"ExternalName","sessionAffinity":"None",)"
            R"("externalName":"x.example"},"status":{"loadBalancer":{}}})");
}

TEST(Defaults, FillAJobAndACronJob) {
  const auto job =
      defaulted("batch", "v1", "Job", R"({"spec":{"template":{"metadata":{"labels":{"a":"b"}}}}})");
  EXPECT_EQ(
      job,
      R"({"metadata":{"labels":{"a":"b"}},"spec":{"parallelism":1,"completions":1,)"
      R"("backoffLimit":6,"manualSelector":false,"template":{"metadata":{"labels":{"a":"b"}},)"
      R"("spec":{"containers":null,"restartPolicy":"Always","terminationGracePeriodSeconds":30,)"
      R"("dnsPolicy":"ClusterFirst","securityContext":{},"schedulerName":"default-scheduler"}},)"
      R"("completionMode":"NonIndexed","suspend":false,)"
      R"("podReplacementPolicy":"TerminatingOrFailed"},"status":{}})");
  const auto queue = defaulted("batch", "v1", "Job", R"({"spec":{"parallelism":3}})");
  EXPECT_EQ(queue.find("completions"), std::string::npos) << queue;
  const auto cron = defaulted("batch", "v1", "CronJob", R"({"spec":{"schedule":"* * * * *"}})");
  EXPECT_NE(cron.find(R"("concurrencyPolicy":"Allow","suspend":false)"), std::string::npos) << cron;
}

TEST(Defaults, FillARoleBindingAndKeepServiceAccountsWithoutGroup) {
  EXPECT_EQ(
      defaulted("rbac.authorization.k8s.io", "v1", "RoleBinding",
                R"({"subjects":[{"kind":"User","name":"u"},{"kind":"ServiceAccount","name":"s",)"
                R"("namespace":"n"}],"roleRef":{"kind":"Role","name":"r"}})"),
      R"({"metadata":{},"subjects":[{"kind":"User","apiGroup":"rbac.authorization.k8s.io",)"
      R"("name":"u"},{"kind":"ServiceAccount","name":"s","namespace":"n"}],)"
      R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"}})");
}

TEST(Defaults, TurnStringDataIntoData) {
  EXPECT_EQ(defaulted("", "v1", "Secret",
                      R"({"data":{"b":"Yg=="},"stringData":{"a":"hello","b":"new"}})"),
            R"({"metadata":{},"data":{"a":"aGVsbG8=","b":"bmV3"},"type":"Opaque"})");
}

TEST(Defaults, FillLimitsOfContainersOnly) {
  EXPECT_EQ(
      defaulted(
          "", "v1", "LimitRange",
          R"({"spec":{"limits":[{"type":"Container","max":{"cpu":"2"},"min":{"memory":"1Mi"}},)"
          R"({"type":"Pod","max":{"cpu":"2"}}]}})"),
      R"({"metadata":{},"spec":{"limits":[{"type":"Container","max":{"cpu":"2"},)"
      R"("min":{"memory":"1Mi"},"default":{"cpu":"2"},)"
      R"("defaultRequest":{"cpu":"2","memory":"1Mi"}},{"type":"Pod","max":{"cpu":"2"}}]}})");
}

TEST(Defaults, LabelANamespaceWithItsName) {
  EXPECT_EQ(defaulted("", "v1", "Namespace", R"({"metadata":{"name":"n"}})"),
            R"({"metadata":{"name":"n","labels":{"kubernetes.io/metadata.name":"n"}},)"
            R"("spec":{},"status":{"phase":"Active"}})");
}

TEST(Defaults, FillBothSidesOfScalingBehavior) {
  const auto text = defaulted("autoscaling", "v2", "HorizontalPodAutoscaler",
                              R"({"spec":{"maxReplicas":3,"behavior":{"scaleDown":)"
                              R"({"stabilizationWindowSeconds":60}}}})");
  EXPECT_NE(
      text.find(R"("behavior":{"scaleUp":{"stabilizationWindowSeconds":0,"selectPolicy":"Max",)"
                R"("policies":[{"type":"Pods","value":4,"periodSeconds":15},)"
                R"({"type":"Percent","value":100,"periodSeconds":15}]},)"
                R"("scaleDown":{"stabilizationWindowSeconds":60,"selectPolicy":"Max",)"
                R"("policies":[{"type":"Percent","value":100,"periodSeconds":15}]}})"),
      std::string::npos)
      << text;
}

TEST(Defaults, RoundAmountsUpToThousandths) {
  const auto text = defaulted("", "v1", "ResourceQuota", R"({"spec":{"hard":{"cpu":"100u"}}})");
  EXPECT_NE(text.find(R"("hard":{"cpu":"1m"})"), std::string::npos) << text;
}

TEST(Defaults, AreTheSameWhenAppliedTwice) {
  Arena arena;
  const TypeInfo& type = *builtin_schema().find_type("apps", "v1", "Deployment");
  auto value = parse_json(arena, kDeployment);
  ASSERT_TRUE(normalise(arena, *value, type).has_value());
  apply_defaults(arena, *value, type);
  const auto once = to_json_text(*value);
  ASSERT_TRUE(normalise(arena, *value, type).has_value());
  apply_defaults(arena, *value, type);
  EXPECT_EQ(to_json_text(*value), once);
}

// Reads every rule of every type once: a path or name that does not exist stops the program.
TEST(Defaults, HaveOnlyRulesThatCanBeRead) {
  for (const TypeInfo& type : builtin_schema().types) {
    Arena arena;
    Value value = Value::object();
    ASSERT_TRUE(normalise(arena, value, type).has_value()) << type.name;
    apply_defaults(arena, value, type);
    for (const DefaultRule& rule : type.defaults) {
      if (rule.value_json.starts_with("rule ")) {
        EXPECT_NE(find_default_function(rule.value_json.substr(5)), nullptr) << rule.value_json;
      }
    }
  }
}

}  // namespace
}  // namespace pinnace::api
