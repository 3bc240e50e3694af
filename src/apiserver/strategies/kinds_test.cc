// What kinds other than pods and Services refuse, and what of them may not change.
#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

struct Row {
  const char* path;
  const char* body;    // Without metadata.
  const char* wanted;  // After "is invalid: "; "" for what is taken.
};

#define POD_TEMPLATE(LABEL, POLICY)                                                            \
  R"("template":{"metadata":{"labels":{"a":")" LABEL R"("}},"spec":{"restartPolicy":")" POLICY \
  R"(","containers":[{"name":"c","image":"i"}]}})"
#define SELECTOR R"("selector":{"matchLabels":{"a":"b"}})"

class Kinds : public ::testing::Test {
 protected:
  std::string after_name(const std::string& message) {
    const auto at = message.find("is invalid: ");
    return at == std::string::npos ? message : message.substr(at + 12);
  }
  void expect(std::span<const Row> rows) {
    for (const Row& row : rows) {
      const std::string more(row.body);
      const auto answer =
          server_.post(std::string(row.path) + "?dryRun=All",
                       R"({"metadata":{"name":"x"})" + (more.empty() ? "" : "," + more) + "}");
      EXPECT_EQ(answer->status == 201 ? "" : after_name(answer->message()), row.wanted)
          << row.path << row.body;
    }
  }
  std::string change(const std::string& path, const std::string& body, const std::string& patch) {
    const auto made = server_.post(path, R"({"metadata":{"name":"x"},)" + body + "}");
    EXPECT_EQ(made->status, 201) << made->body;
    const auto changed = server_.merge(path + "/x", patch);
    server_.remove(path + "/x");
    return changed->status == 200 ? "" : after_name(changed->message());
  }
  TestServer server_;
};

constexpr char kDeployments[] = "/apis/apps/v1/namespaces/default/deployments";
constexpr char kReplicaSets[] = "/apis/apps/v1/namespaces/default/replicasets";
constexpr char kDaemonSets[] = "/apis/apps/v1/namespaces/default/daemonsets";
constexpr char kStatefulSets[] = "/apis/apps/v1/namespaces/default/statefulsets";
constexpr char kJobs[] = "/apis/batch/v1/namespaces/default/jobs";
constexpr char kCronJobs[] = "/apis/batch/v1/namespaces/default/cronjobs";
constexpr char kMaps[] = "/api/v1/namespaces/default/configmaps";
constexpr char kSecrets[] = "/api/v1/namespaces/default/secrets";

TEST_F(Kinds, WorkloadsAreChecked) {
  const Row rows[] = {
      {kDeployments, R"("spec":{)" SELECTOR "," POD_TEMPLATE("b", "Always") "}", ""},
      {kDeployments, R"("spec":{)" POD_TEMPLATE("b", "Always") "}",
       "spec.selector: Required value"},
      {kDeployments, R"("spec":{)" SELECTOR "," POD_TEMPLATE("c", "Always") "}",
       "spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match "
       "template `labels`"},
      {kDeployments, R"("spec":{)" SELECTOR "," POD_TEMPLATE("b", "Never") "}",
       "spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: "
       "\"Always\""},
      {kDeployments, R"("spec":{"replicas":-1,)" SELECTOR "," POD_TEMPLATE("b", "Always") "}",
       "spec.replicas: Invalid value: -1: must be greater than or equal to 0"},
      {kDeployments, R"("spec":{"selector":{},)" POD_TEMPLATE("b", "Always") "}",
       "spec.selector: Invalid value: {}: empty selector is invalid for deployment"},
      {kDeployments,
       R"("spec":{"strategy":{"rollingUpdate":{"maxSurge":0,"maxUnavailable":0}},)" SELECTOR
       "," POD_TEMPLATE("b", "Always") "}",
       "spec.strategy.rollingUpdate.maxUnavailable: Invalid value: 0: may not be 0 when `maxSurge` "
       "is 0"},
      {kDeployments,
       R"("spec":{"strategy":{"type":"Recreate","rollingUpdate":{}},)" SELECTOR
       "," POD_TEMPLATE("b", "Always") "}",
       "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is "
       "'Recreate'"},
      {kDeployments,
       R"("spec":{"strategy":{"type":"X"},)" SELECTOR "," POD_TEMPLATE("b", "Always") "}",
       "spec.strategy.type: Unsupported value: \"X\": supported values: \"Recreate\", "
       "\"RollingUpdate\""},
      {kReplicaSets, R"("spec":{"replicas":-1,)" SELECTOR "," POD_TEMPLATE("b", "Always") "}",
       "spec.replicas: Invalid value: -1: must be greater than or equal to 0"},
      {kDaemonSets, R"("spec":{)" SELECTOR "," POD_TEMPLATE("b", "OnFailure") "}",
       "spec.template.spec.restartPolicy: Unsupported value: \"OnFailure\": supported values: "
       "\"Always\""},
      {kStatefulSets, R"("spec":{)" SELECTOR "," POD_TEMPLATE("b", "Always") "}", ""},
      {"/api/v1/namespaces/default/replicationcontrollers", R"("spec":{"selector":{"a":"b"}})",
       "spec.template: Required value"},
      {kJobs, R"("spec":{)" POD_TEMPLATE("b", "Never") "}", ""},
      {kJobs, R"("spec":{)" POD_TEMPLATE("b", "Always") "}",
       "spec.template.spec.restartPolicy: Required value: valid values: \"OnFailure\", \"Never\""},
      {kJobs, R"("spec":{"parallelism":-1,)" POD_TEMPLATE("b", "Never") "}",
       "spec.parallelism: Invalid value: -1: must be greater than or equal to 0"},
      {kCronJobs,
       R"("spec":{"schedule":"x","jobTemplate":{"spec":{)" POD_TEMPLATE("b", "Never") "}}}",
       "spec.schedule: Invalid value: \"x\": expected exactly 5 fields, found 1: [x]"},
      {kCronJobs,
       R"("spec":{"schedule":"*/5 0-23 * jan mon","jobTemplate":{"spec":{)" POD_TEMPLATE(
           "b", "Never") "}}}",
       ""},
      {kCronJobs,
       R"("spec":{"schedule":"60 * * * *","jobTemplate":{"spec":{)" POD_TEMPLATE("b",
                                                                                 "Never") "}}}",
       "spec.schedule: Invalid value: \"60 * * * *\": end of range (60) above maximum (59): 60"},
  };
  expect(rows);
}

TEST_F(Kinds, SelectorsDoNotChange) {
  const std::string body = R"("spec":{)" SELECTOR "," POD_TEMPLATE("b", "Always") "}";
  const std::string patch =
      R"({"spec":{"selector":{"matchLabels":{"a":"c"}},)" POD_TEMPLATE("c", "Always") "}}";
  for (const char* path : {kDeployments, kReplicaSets, kDaemonSets}) {
    EXPECT_EQ(change(path, body, patch),
              "spec.selector: Invalid value: {\"matchLabels\":{\"a\":\"c\"}}: field is immutable");
  }
  EXPECT_EQ(change(kStatefulSets, body, R"({"spec":{"serviceName":"other"}})"),
            "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', "
            "'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', "
            "'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden");
  EXPECT_EQ(change(kStatefulSets, body, R"({"spec":{"replicas":3}})"), "");
}

TEST_F(Kinds, AJobFindsItsPodsByItsUid) {
  const auto made =
      server_.post(kJobs, R"({"metadata":{"name":"j"},"spec":{)" POD_TEMPLATE("b", "Never") "}}");
  const std::string uid = made->at("metadata", "uid");
  EXPECT_EQ(made->at("spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"), uid);
  EXPECT_EQ(made->at("spec", "template", "metadata", "labels", "job-name"), "j");
  EXPECT_EQ(server_.merge(std::string(kJobs) + "/j", R"({"spec":{"parallelism":2}})")->status, 200);
  EXPECT_NE(server_.merge(std::string(kJobs) + "/j", R"({"spec":{"completions":2}})")->status, 200);
}

TEST_F(Kinds, DataIsChecked) {
  const std::string big(1 << 20, 'x');

  const std::string full = R"("data":{"k":")" + big + R"("})";
  const Row rows[] = {
      {kMaps, R"("data":{"a b":"c"})",
       "data[a b]: Invalid value: \"a b\": a valid config key must consist of alphanumeric "
       "characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used "
       "for "
       "validation is '[-._a-zA-Z0-9]+')"},
      {kMaps, R"("data":{"a":"c"},"binaryData":{"a":"eA=="})",
       "data[a]: Invalid value: \"a\": duplicate of key present in binaryData"},
      {kMaps, full.c_str(), ""},
      {kSecrets, R"("type":"kubernetes.io/tls","data":{"tls.crt":""})",
       "data[tls.key]: Required value"},
      {kSecrets, R"("type":"kubernetes.io/service-account-token")",
       "metadata.annotations[kubernetes.io/service-account.name]: Required value"},
  };
  expect(rows);
  const auto answer =
      server_.post(kMaps, R"({"metadata":{"name":"x"},"data":{"k":")" + big + R"(x"}})");
  EXPECT_EQ(after_name(answer->message()), "[]: Too long: may not be more than 1048576 bytes");
}

TEST_F(Kinds, WhatIsMarkedImmutableIs) {
  EXPECT_EQ(change(kMaps, R"("immutable":true,"data":{"a":"b"})", R"({"data":{"a":"c"}})"),
            "data: Forbidden: field is immutable when `immutable` is set");
  EXPECT_EQ(change(kMaps, R"("immutable":true)", R"({"immutable":false})"),
            "immutable: Forbidden: field is immutable when `immutable` is set");
  EXPECT_EQ(change(kMaps, R"("immutable":true)", R"({"metadata":{"labels":{"a":"b"}}})"), "");
  EXPECT_EQ(change(kSecrets, R"("type":"a/b")", R"({"type":"c/d"})"),
            "type: Invalid value: \"c/d\": field is immutable");
  EXPECT_EQ(change("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
                   R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole",)"
                   R"("name":"view"})",
                   R"({"roleRef":{"name":"edit"}})"),
            "roleRef: Invalid value: {\"apiGroup\":\"rbac.authorization.k8s.io\",\"kind\":"
            "\"ClusterRole\",\"name\":\"edit\"}: cannot change roleRef");
  EXPECT_EQ(change("/apis/storage.k8s.io/v1/storageclasses", R"("provisioner":"a.io")",
                   R"({"provisioner":"b.io"})"),
            "provisioner: Forbidden: updates to provisioner are forbidden.");
  EXPECT_EQ(change("/apis/scheduling.k8s.io/v1/priorityclasses", R"("value":1)", R"({"value":2})"),
            "value: Forbidden: may not be changed in an update.");
  EXPECT_EQ(change("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
                   R"("addressType":"IPv4","endpoints":[])", R"({"addressType":"IPv6"})"),
            "addressType: Invalid value: \"IPv6\": field is immutable");
  EXPECT_EQ(change("/api/v1/nodes", R"("spec":{"podCIDR":"10.1.0.0/24"})",
                   R"({"spec":{"podCIDR":"10.2.0.0/24","podCIDRs":["10.2.0.0/24"]}})"),
            "spec.podCIDRs: Forbidden: node updates may not change podCIDR except from \"\" to "
            "valid");
}

TEST_F(Kinds, OthersAreChecked) {
  const Row rows[] = {
      {"/apis/networking.k8s.io/v1/namespaces/default/ingresses",
       R"("spec":{"rules":[{"host":"1.2.3.4"}]})",
       "spec.rules[0].host: Invalid value: \"1.2.3.4\": must be a DNS name, not an IP address"},
      {"/apis/networking.k8s.io/v1/namespaces/default/ingresses",
       R"("spec":{"rules":[{"http":{"paths":[{"path":"x","pathType":"Prefix","backend":{"service":)"
       R"({"name":"s","port":{"number":1}}}}]}}]})",
       "spec.rules[0].http.paths[0].path: Invalid value: \"x\": must be an absolute path"},
      {"/apis/networking.k8s.io/v1/namespaces/default/networkpolicies",
       R"("spec":{"podSelector":{},"policyTypes":["Outgress"]})",
       "spec.policyTypes[0]: Unsupported value: \"Outgress\": supported values: \"Egress\", "
       "\"Ingress\""},
      {"/apis/rbac.authorization.k8s.io/v1/namespaces/default/roles",
       R"("rules":[{"apiGroups":[""],"resources":["pods"]}])",
       "rules[0].verbs: Required value: verbs must contain at least one value"},
      {"/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings",
       R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"r"},)"
       R"("subjects":[{"kind":"Robot","name":"x"}])",
       "subjects[0].kind: Unsupported value: \"Robot\": supported values: \"ServiceAccount\", "
       "\"User\", \"Group\""},
      {"/apis/scheduling.k8s.io/v1/priorityclasses", R"("value":1000000001)",
       "value: Forbidden: maximum allowed value of a user defined priority is 1000000000"},
      {"/apis/policy/v1/namespaces/default/poddisruptionbudgets",
       R"("spec":{"minAvailable":1,"maxUnavailable":1})",
       "spec: Invalid value: {\"minAvailable\":1,\"maxUnavailable\":1}: minAvailable and "
       "maxUnavailable cannot be both set"},
      {"/apis/autoscaling/v2/namespaces/default/horizontalpodautoscalers",
       R"("spec":{"minReplicas":3,"maxReplicas":2,"scaleTargetRef":{"kind":"Deployment","name":"d"}})",
       "spec.maxReplicas: Invalid value: 2: must be greater than or equal to `minReplicas`"},
      {"/apis/discovery.k8s.io/v1/namespaces/default/endpointslices",
       R"("addressType":"IPX","endpoints":[])",
       "addressType: Unsupported value: \"IPX\": supported values: \"FQDN\", \"IPv4\", \"IPv6\""},
      {"/api/v1/namespaces/default/endpoints", R"("subsets":[{"addresses":[{"ip":"127.0.0.1"}]}])",
       "subsets[0].addresses[0].ip: Invalid value: \"127.0.0.1\": may not be in the loopback range "
       "(127.0.0.0/8, ::1/128)"},
      {"/apis/coordination.k8s.io/v1/namespaces/default/leases",
       R"("spec":{"leaseDurationSeconds":0})",
       "spec.leaseDurationSeconds: Invalid value: 0: must be greater than 0"},
      {"/api/v1/persistentvolumes",
       R"("spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1"}})",
       "spec: Required value: must specify a volume type"},
      {"/api/v1/namespaces/default/persistentvolumeclaims", R"("spec":{"accessModes":["Some"]})",
       "[spec.accessModes: Unsupported value: \"Some\": supported values: \"ReadOnlyMany\", "
       "\"ReadWriteMany\", \"ReadWriteOnce\", \"ReadWriteOncePod\", spec.resources[storage]: "
       "Required value]"},
      {"/api/v1/nodes", R"("spec":{"taints":[{"key":"k","effect":"Some"}]})",
       "metadata.taints[0].effect: Unsupported value: \"Some\": supported values: \"NoSchedule\", "
       "\"PreferNoSchedule\", \"NoExecute\""},
      {"/api/v1/namespaces/default/limitranges",
       R"("spec":{"limits":[{"type":"Container","min":{"cpu":"2"},"max":{"cpu":"1"}}]})",
       "[spec.limits[0].min[cpu]: Invalid value: \"2\": min value 2 is greater than max value 1, "
       "spec.limits[0].defaultRequest[cpu]: Invalid value: \"1\": min value 2 is greater than "
       "default request value 1, spec.limits[0].default[cpu]: Invalid value: \"2\": min value 2 is "
       "greater than default value 1]"},
      {"/apis/storage.k8s.io/v1/storageclasses", R"("provisioner":"a","reclaimPolicy":"Maybe")",
       "reclaimPolicy: Unsupported value: \"Maybe\": supported values: \"Delete\", "
       "\"Retain\""},
  };
  expect(rows);
}

}  // namespace
}  // namespace pinnace::apiserver
