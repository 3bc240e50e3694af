#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

const std::string kPods = "/api/v1/namespaces/default/pods";

class Pods : public ::testing::Test {
 protected:
  Pods() { server_.make_service_account("default"); }
  // The message's part after "is invalid: ", or "" for a pod that is taken.
  std::string refusal(const std::string& spec) {
    const auto answer =
        server_.post(kPods + "?dryRun=All", R"({"metadata":{"name":"p"},"spec":)" + spec + "}");
    if (answer->status == 201) return "";
    const std::string message = answer->message();
    const std::string prefix = "Pod \"p\" is invalid: ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  }
  std::string container_refusal(const std::string& more) {
    return refusal(R"({"containers":[{"name":"c","image":"i",)" + more + "}]}");
  }
  void make(const std::string& name, const std::string& more = "") {
    const auto made =
        server_.post(kPods, R"({"metadata":{"name":")" + name + R"("},"spec":{)" + more +
                                R"("containers":[{"name":"c","image":"i"}]}})");
    ASSERT_EQ(made->status, 201) << made->body;
  }
  TestServer server_;
};

struct Row {
  const char* spec;
  const char* wanted;
};

TEST_F(Pods, AreCheckedAsAWhole) {
  const Row rows[] = {
      {R"({})", "spec.containers: Required value"},
      {R"({"containers":[]})", "spec.containers: Required value"},
      {R"({"containers":[{"name":"c"}]})", "spec.containers[0].image: Required value"},
      {R"({"containers":[{"image":"i"}]})", "spec.containers[0].name: Required value"},
      {R"({"containers":[{"name":"c","image":" i"}]})",
       "spec.containers[0].image: Invalid value: \" i\": must not have leading or trailing "
       "whitespace"},
      {R"({"containers":[{"name":"C_","image":"i"}]})",
       "spec.containers[0].name: Invalid value: \"C_\": a lowercase RFC 1123 label must consist of "
       "lower case alphanumeric characters or '-', and must start and end with an alphanumeric "
       "character (e.g. 'my-name',  or '123-abc', regex used for validation is "
       "'[a-z0-9]([-a-z0-9]*[a-z0-9])?')"},
      {R"({"containers":[{"name":"c","image":"i"},{"name":"c","image":"i"}]})",
       "spec.containers[1].name: Duplicate value: \"c\""},
      {R"({"containers":[{"name":"c","image":"i"}],"initContainers":[{"name":"c","image":"i"}]})",
       "spec.initContainers[0].name: Duplicate value: \"c\""},
      {R"({"restartPolicy":"Sometimes","containers":[{"name":"c","image":"i"}]})",
       "spec.restartPolicy: Unsupported value: \"Sometimes\": supported values: \"Always\", "
       "\"OnFailure\", \"Never\""},
      {R"({"dnsPolicy":"None","containers":[{"name":"c","image":"i"}]})",
       "spec.dnsConfig: Required value: must provide `dnsConfig` when `dnsPolicy` is None"},
      {R"({"activeDeadlineSeconds":0,"containers":[{"name":"c","image":"i"}]})",
       "spec.activeDeadlineSeconds: Invalid value: 0: must be between 1 and 2147483647, inclusive"},
      {R"({"nodeSelector":{"a b":"c"},"containers":[{"name":"c","image":"i"}]})",
       "spec.nodeSelector: Invalid value: \"a b\": name part must consist of alphanumeric "
       "characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. "
       "'MyName',  or 'my.name',  or '123-abc', regex used for validation is "
       "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"},
      {R"({"tolerations":[{"operator":"Equal"}],"containers":[{"name":"c","image":"i"}]})",
       "spec.tolerations[0].operator: Invalid value: \"Equal\": operator must be Exists when `key` "
       "is empty, which means \"match all values and all keys\""},
      {R"({"hostNetwork":true,"containers":[{"name":"c","image":"i","ports":[{"containerPort":80,"hostPort":81}]}]})",
       "spec.containers[0].ports[0].hostPort: Invalid value: 81: must match `containerPort` when "
       "`hostNetwork` is true"},
      {R"({"ephemeralContainers":[{"name":"e","image":"i"}],"containers":[{"name":"c","image":"i"}]})",
       "spec.ephemeralContainers: Forbidden: cannot be set on create"},
      {R"({"topologySpreadConstraints":[{"maxSkew":0,"topologyKey":"z","whenUnsatisfiable":"DoNotSchedule"}],"containers":[{"name":"c","image":"i"}]})",
       "spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"},
      {R"({"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[]}}},"containers":[{"name":"c","image":"i"}]})",
       "spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution."
       "nodeSelectorTerms: Required value: must have at least one node selector term"},
  };
  for (const Row& row : rows) EXPECT_EQ(refusal(row.spec), row.wanted) << row.spec;
}

TEST_F(Pods, ContainersAreChecked) {
  const Row rows[] = {
      {R"("imagePullPolicy":"Maybe")",
       "spec.containers[0].imagePullPolicy: Unsupported value: \"Maybe\": supported values: "
       "\"Always\", \"IfNotPresent\", \"Never\""},
      {R"("ports":[{"containerPort":70000}])",
       "spec.containers[0].ports[0].containerPort: Invalid value: 70000: must be between 1 and "
       "65535, inclusive"},
      {R"("ports":[{}])", "spec.containers[0].ports[0].containerPort: Required value"},
      {R"("ports":[{"containerPort":80,"protocol":"ICMP"}])",
       "spec.containers[0].ports[0].protocol: Unsupported value: \"ICMP\": supported values: "
       "\"SCTP\", \"TCP\", \"UDP\""},
      {R"("ports":[{"containerPort":80,"name":"a"},{"containerPort":81,"name":"a"}])",
       "spec.containers[0].ports[1].name: Duplicate value: \"a\""},
      {R"("ports":[{"containerPort":80,"hostPort":8},{"containerPort":81,"hostPort":8}])",
       "spec.containers[0].ports[1].hostPort: Duplicate value: \"TCP//8\""},
      {R"("env":[{"value":"x"}])", "spec.containers[0].env[0].name: Required value"},
      {R"("env":[{"name":"A","value":"x","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}])",
       "spec.containers[0].env[0].valueFrom: Invalid value: \"\": may not be specified when "
       "`value` "
       "is not empty"},
      {R"("env":[{"name":"A","valueFrom":{"fieldRef":{"fieldPath":"spec.nothing"}}}])",
       "spec.containers[0].env[0].valueFrom.fieldRef.fieldPath: Invalid value: \"spec.nothing\": "
       "error converting fieldPath: field label not supported: spec.nothing"},
      {R"("env":[{"name":"A","valueFrom":{"configMapKeyRef":{"name":"m"}}}])",
       "spec.containers[0].env[0].valueFrom.configMapKeyRef.key: Required value"},
      {R"("volumeMounts":[{"name":"v","mountPath":"/x"}])",
       "spec.containers[0].volumeMounts[0].name: Not found: \"v\""},
      {R"("resources":{"limits":{"cpu":"1"},"requests":{"cpu":"2"}})",
       "spec.containers[0].resources.requests: Invalid value: \"2\": must be less than or equal to "
       "cpu limit of 1"},
      {R"("resources":{"limits":{"cpu":"-1"}})",
       "[spec.containers[0].resources.limits[cpu]: Invalid value: \"-1\": must be greater than or "
       "equal to 0, spec.containers[0].resources.requests[cpu]: Invalid value: \"-1\": must be "
       "greater than or equal to 0]"},
      {R"("resources":{"requests":{"example.com/gpu":"1"}})",
       "spec.containers[0].resources.limits: Required value: Limit must be set for "
       "non overcommitable resources"},
      {R"("livenessProbe":{})",
       "spec.containers[0].livenessProbe: Required value: must specify a handler type"},
      {R"("livenessProbe":{"exec":{"command":["a"]},"tcpSocket":{"port":1}})",
       "spec.containers[0].livenessProbe.tcpSocket: Forbidden: may not specify more than 1 handler "
       "type"},
      {R"("livenessProbe":{"exec":{"command":["a"]},"successThreshold":2})",
       "spec.containers[0].livenessProbe.successThreshold: Invalid value: 2: must be 1"},
      {R"("securityContext":{"privileged":true,"allowPrivilegeEscalation":false})",
       "spec.containers[0].securityContext: Invalid value: "
       "{\"privileged\":true,\"allowPrivilegeEscalation\":false}: cannot set "
       "`allowPrivilegeEscalation` to false and `privileged` to true"},
  };
  for (const Row& row : rows) EXPECT_EQ(container_refusal(row.spec), row.wanted) << row.spec;
}

TEST_F(Pods, VolumesHaveOneSource) {
  const auto volumes = [&](const std::string& list) {
    return refusal(R"({"containers":[{"name":"c","image":"i"}],"volumes":)" + list + "}");
  };
  EXPECT_EQ(volumes(R"([{"name":"v"}])"), "");  // An empty directory.
  EXPECT_EQ(volumes(R"([{"name":"v","emptyDir":{},"hostPath":{"path":"/x"}}])"),
            "spec.volumes[0].hostPath: Forbidden: may not specify more than 1 volume type");
  EXPECT_EQ(volumes(R"([{"name":"v"},{"name":"v"}])"),
            "spec.volumes[1].name: Duplicate value: \"v\"");
  EXPECT_EQ(volumes(R"([{"name":"v","hostPath":{"path":"/a/../b"}}])"),
            "spec.volumes[0].hostPath.path: Invalid value: \"/a/../b\": must not contain '..'");
  EXPECT_EQ(volumes(R"([{"name":"v","secret":{"secretName":"s","defaultMode":4096}}])"),
            "spec.volumes[0].secret.defaultMode: Invalid value: 4096: must be a number between 0 "
            "and 0777 (octal), both inclusive");
  EXPECT_EQ(
      volumes(R"([{"name":"v","configMap":{"name":"m","items":[{"key":"k","path":"../x"}]}}])"),
      "spec.volumes[0].configMap.items[0].path: Invalid value: \"../x\": must not contain '..'");
}

TEST_F(Pods, StartAsPending) {
  const auto made = server_.post(
      kPods,
      R"({"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i",)"
      R"("resources":{"limits":{"cpu":"1","memory":"1Gi"}}}]},"status":{"phase":"Running"}})");
  EXPECT_EQ(made->at("status", "phase"), "Pending");
  EXPECT_EQ(made->at("status", "qosClass"), "Guaranteed");
  EXPECT_EQ(made->at("metadata", "generation"), "1");
  make("q");
  EXPECT_EQ(server_.get(kPods + "/q")->at("status", "qosClass"), "BestEffort");
}

TEST_F(Pods, KeepAllButAFewFields) {
  make("p");
  const auto message = [&](const std::string& patch) {
    return server_.merge(kPods + "/p?dryRun=All", patch)->message();
  };
  EXPECT_EQ(
      message(R"({"spec":{"hostNetwork":true}})"),
      "Pod \"p\" is invalid: spec: Forbidden: pod updates may not change fields other than "
      "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,"
      "`spec.tolerations` (only additions to existing tolerations),"
      "`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously "
      "negative)\n+ hostNetwork: true");
  EXPECT_EQ(
      message(R"({"spec":{"containers":[{"name":"c","image":"i"},{"name":"d","image":"i"}]}})"),
      "Pod \"p\" is invalid: spec.containers: Forbidden: pod updates may not add or remove "
      "containers");
  EXPECT_EQ(message(R"({"spec":{"tolerations":[]}})"),
            "Pod \"p\" is invalid: spec.tolerations: Forbidden: existing toleration can not be "
            "modified except its tolerationSeconds");
  const auto image =
      server_.call("PATCH", kPods + "/p", R"({"spec":{"containers":[{"name":"c","image":"j"}]}})",
                   "application/strategic-merge-patch+json");
  EXPECT_EQ(image->status, 200) << image->body;
  EXPECT_EQ(image->at("metadata", "generation"), "2");
  EXPECT_EQ(server_.merge(kPods + "/p", R"({"spec":{"activeDeadlineSeconds":10}})")->status, 200);
  EXPECT_EQ(
      message(R"({"spec":{"activeDeadlineSeconds":20}})"),
      "Pod \"p\" is invalid: spec.activeDeadlineSeconds: Invalid value: 20: must be less than "
      "or equal to previous value");
  EXPECT_EQ(
      message(R"({"spec":{"activeDeadlineSeconds":null}})"),
      "Pod \"p\" is invalid: spec.activeDeadlineSeconds: Invalid value: null: must not update "
      "from a positive integer to nil value");
}

TEST_F(Pods, AreBoundOnce) {
  make("p");
  const std::string binding = R"({"target":{"name":"n"}})";
  EXPECT_EQ(server_.post(kPods + "/p/binding", binding)->status, 201);
  const auto pod = server_.get(kPods + "/p");
  EXPECT_EQ(pod->at("spec", "nodeName"), "n");
  EXPECT_EQ(pod->at("metadata", "generation"), "1");
  EXPECT_NE(pod->at("status", "conditions").find("PodScheduled"), std::string::npos);
  const auto again = server_.post(kPods + "/p/binding", binding);
  EXPECT_EQ(again->status, 409);
  EXPECT_EQ(
      again->message(),
      "Operation cannot be fulfilled on pods/binding \"p\": pod p is already assigned to node "
      "\"n\"");
  EXPECT_EQ(server_.post(kPods + "/p/binding", R"({"target":{}})")->status, 422);
}

TEST_F(Pods, GetTheirGracePeriod) {
  make("p", R"("terminationGracePeriodSeconds":7,)");
  make("idle");
  ASSERT_EQ(server_.post(kPods + "/p/binding", R"({"target":{"name":"n"}})")->status, 201);
  const auto going = server_.remove(kPods + "/p");
  EXPECT_EQ(going->status, 200);
  EXPECT_EQ(going->at("metadata", "deletionGracePeriodSeconds"), "7");
  EXPECT_EQ(going->at("metadata", "deletionTimestamp"), "2026-01-01T00:00:07Z");
  // A shorter time counts, a longer one does not.
  EXPECT_EQ(server_.remove(kPods + "/p?gracePeriodSeconds=9")
                ->at("metadata", "deletionGracePeriodSeconds"),
            "7");
  EXPECT_EQ(server_.remove(kPods + "/p?gracePeriodSeconds=3")->at("metadata", "deletionTimestamp"),
            "2026-01-01T00:00:03Z");
  EXPECT_EQ(server_.remove(kPods + "/p", R"({"gracePeriodSeconds":0})")->status, 200);
  EXPECT_EQ(server_.get(kPods + "/p")->status, 404);
  EXPECT_EQ(server_.remove(kPods + "/idle")->status, 200);
  EXPECT_EQ(server_.get(kPods + "/idle")->status, 404);
}

TEST_F(Pods, EphemeralContainersAreAddedByTheirSubresource) {
  make("p");
  const std::string add = R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"}]}})";
  EXPECT_NE(server_.merge(kPods + "/p", add)->status, 200);
  const auto added = server_.merge(kPods + "/p/ephemeralcontainers", add);
  EXPECT_EQ(added->status, 200) << added->body;
  EXPECT_EQ(
      server_.merge(kPods + "/p/ephemeralcontainers", R"({"spec":{"ephemeralContainers":[]}})")
          ->message(),
      "Pod \"p\" is invalid: spec.ephemeralContainers: Forbidden: existing ephemeral "
      "containers \"e\" may not be removed\n");
  EXPECT_EQ(server_
                .merge(kPods + "/p/ephemeralcontainers",
                       R"({"spec":{"ephemeralContainers":[{"name":"e","image":"i"},)"
                       R"({"name":"c","image":"i"}]}})")
                ->message(),
            "Pod \"p\" is invalid: spec.ephemeralContainers[1].name: Duplicate value: \"c\"");
}

TEST_F(Pods, RunAsAServiceAccountThatExists) {
  const auto refused =
      server_.post(kPods, R"({"metadata":{"name":"p"},"spec":{"serviceAccountName":"nobody",)"
                          R"("containers":[{"name":"c","image":"i"}]}})");
  EXPECT_EQ(refused->status, 403);
  EXPECT_EQ(refused->message(),
            "pods \"p\" is forbidden: error looking up service account default/nobody: "
            "serviceaccount \"nobody\" not found");
  make("p");
  const auto pod = server_.get(kPods + "/p");
  EXPECT_EQ(pod->at("spec", "serviceAccountName"), "default");
  EXPECT_NE(pod->at("spec", "volumes").find("kube-api-access-"), std::string::npos);
}

}  // namespace
}  // namespace pinnace::apiserver
