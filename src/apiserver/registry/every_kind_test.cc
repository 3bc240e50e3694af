// Every resource of the schema through every verb that it has, from the smallest object of its kind.
#include <map>

#include "api/schema.h"
#include "apiserver/certificate_testing.h"
#include "apiserver/strategies/strategy.h"
#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::TestServer;

constexpr const char* kPod = R"("spec":{"containers":[{"name":"c","image":"i"}]})";
constexpr const char* kSelected =
    R"("selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},)"
    R"("spec":{"containers":[{"name":"c","image":"i"}]}})";

constexpr const char* kMatched =
    R"("matchConstraints":{"resourceRules":[{"apiGroups":["*"],"apiVersions":["*"],)"
    R"("operations":["*"],"resources":["*"]}]})";

// Some kinds' names say what they are.
std::string name_of(const api::ResourceInfo& resource) {
  return resource.name == "ipaddresses"                 ? "10.1.2.3"
         : resource.name == "apiservices"               ? "v1.g.io"
         : resource.name == "customresourcedefinitions" ? "x.g.io"
                                                        : "x";
}

// What a kind needs besides its metadata; kinds that are not here need nothing.
std::string smallest(const api::ResourceInfo& resource) {
  const std::string path = resource.storage_resource.empty()
                               ? std::string(resource.name)
                               : std::string(resource.storage_resource);
  const std::string job_template =
      std::string(R"({"spec":{"restartPolicy":"Never","containers":)") +
      R"([{"name":"c","image":"i"}]}})";
  if (path == "networking.k8s.io/ingresses" && resource.version == "v1beta1") {
    return R"("spec":{"backend":{"serviceName":"s","servicePort":80}})";
  }
  if (path == "node.k8s.io/runtimeclasses" && resource.version == "v1alpha1") {
    return R"("spec":{"runtimeHandler":"runc"})";
  }
  if (resource.group == "events.k8s.io" && resource.version == "v1") {
    return R"("eventTime":"2026-01-01T00:00:00.000000Z","reportingController":"c",)"
           R"("reportingInstance":"i","action":"a","reason":"r","type":"Normal")";
  }
  static const std::map<std::string, std::string> kBodies = {
      {"pods", kPod},
      {"podtemplates", std::string(R"("template":{)") + kPod + "}"},
      {"replicationcontrollers",
       std::string(R"("spec":{"template":{"metadata":{"labels":{"a":"b"}},)") + kPod + "}}"},
      {"apps/deployments", std::string(R"("spec":{)") + kSelected + "}"},
      {"apps/replicasets", std::string(R"("spec":{)") + kSelected + "}"},
      {"apps/daemonsets", std::string(R"("spec":{)") + kSelected + "}"},
      {"apps/statefulsets", std::string(R"("spec":{)") + kSelected + "}"},
      {"apps/controllerrevisions", R"("data":{},"revision":1)"},
      {"batch/jobs", R"("spec":{"template":)" + job_template + "}"},
      {"batch/cronjobs", R"("spec":{"schedule":"* * * * *","jobTemplate":{"spec":{"template":)" +
                             job_template + "}}}"},
      {"services", R"("spec":{"ports":[{"port":80}]})"},
      {"apiextensions.k8s.io/customresourcedefinitions",
       R"("spec":{"group":"g.io","scope":"Cluster","names":{"plural":"x","kind":"X"},"version":"v1",)"
       R"("versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":)"
       R"({"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]})"},
      {"certificates.k8s.io/certificatesigningrequests",
       R"("spec":{"signerName":"a.io/b","usages":["client auth"],"request":")" +
           testing::signing_request() + "\"}"},
      {"certificates.k8s.io/clustertrustbundles",
       R"("spec":{"trustBundle":")" + testing::trust_anchor() + "\"}"},
      {"certificates.k8s.io/podcertificaterequests",
       R"("spec":{"signerName":"a.io/b","podName":"p","podUID":"u","serviceAccountName":"s",)"
       R"("serviceAccountUID":"u","nodeName":"n","nodeUID":"u","maxExpirationSeconds":3600})"},
      {"policy/podsecuritypolicies",
       R"("spec":{"seLinux":{"rule":"RunAsAny"},"runAsUser":{"rule":"RunAsAny"}})"},
      {"flowcontrol.apiserver.k8s.io/flowschemas",
       R"("spec":{"priorityLevelConfiguration":{"name":"p"}})"},
      {"flowcontrol.apiserver.k8s.io/prioritylevelconfigurations",
       R"("spec":{"type":"Limited","limited":{"limitResponse":{"type":"Reject"}}})"},
      {"node.k8s.io/runtimeclasses", R"("handler":"runc")"},
      {"resource.k8s.io/devicetaintrules", R"("spec":{"taint":{"key":"k","effect":"NoSchedule"}})"},
      {"resource.k8s.io/resourceslices",
       R"("spec":{"driver":"d.io","pool":{"name":"p","resourceSliceCount":1},"allNodes":true})"},
      {"storage.k8s.io/csistoragecapacities", R"("storageClassName":"c")"},
      {"storage.k8s.io/storageclasses", R"("provisioner":"p.io")"},
      {"storage.k8s.io/volumeattachments",
       R"("spec":{"attacher":"a.io","nodeName":"n","source":{"persistentVolumeName":"v"}})"},
      {"storage.k8s.io/volumeattributesclasses", R"("driverName":"d.io","parameters":{"a":"b"})"},
      {"storagemigration.k8s.io/storageversionmigrations",
       R"("spec":{"resource":{"group":"","resource":"pods"}})"},
      {"persistentvolumes",
       R"("spec":{"capacity":{"storage":"1Gi"},"accessModes":["ReadWriteOnce"],)"
       R"("hostPath":{"path":"/x"}})"},
      {"persistentvolumeclaims",
       R"("spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}})"},
      {"networking.k8s.io/ingressclasses", R"("spec":{"controller":"a.io/c"})"},
      {"networking.k8s.io/ipaddresses",
       R"("spec":{"parentRef":{"resource":"services","name":"s"}})"},
      {"networking.k8s.io/servicecidrs", R"("spec":{"cidrs":["10.1.0.0/24"]})"},
      {"admissionregistration.k8s.io/validatingadmissionpolicies",
       std::string(R"("spec":{"validations":[{"expression":"true"}],)") + kMatched + "}"},
      {"admissionregistration.k8s.io/mutatingadmissionpolicies",
       std::string(
           R"("spec":{"reinvocationPolicy":"Never","mutations":[{"patchType":"JSONPatch",)") +
           R"("jsonPatch":{"expression":"[JSONPatch{}]"}}],)" + kMatched + "}"},
      {"admissionregistration.k8s.io/validatingadmissionpolicybindings",
       R"("spec":{"policyName":"p","validationActions":["Deny"]})"},
      {"admissionregistration.k8s.io/mutatingadmissionpolicybindings",
       R"("spec":{"policyName":"p"})"},
      {"apiregistration.k8s.io/apiservices",
       R"("spec":{"group":"g.io","version":"v1","groupPriorityMinimum":1,"versionPriority":1})"},
      {"settings.k8s.io/podpresets", R"("spec":{"env":[{"name":"A"}]})"},
      {"networking.k8s.io/ingresses",
       R"("spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}})"},
      {"discovery.k8s.io/endpointslices", R"("addressType":"IPv4","endpoints":[])"},
      {"rbac.authorization.k8s.io/rolebindings",
       R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"})"},
      {"rbac.authorization.k8s.io/clusterrolebindings",
       R"("roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"view"})"},
      {"autoscaling/horizontalpodautoscalers",
       R"("spec":{"maxReplicas":1,"scaleTargetRef":{"apiVersion":"apps/v1","kind":"Deployment",)"
       R"("name":"d"}})"},
  };
  const auto found = kBodies.find(path);
  return found == kBodies.end() ? "" : found->second;
}

std::string base_path(const api::ResourceInfo& resource) {
  std::string path = resource.group.empty() ? "/api/v1"
                                            : "/apis/" + std::string(resource.group) + "/" +
                                                  std::string(resource.version);
  if (resource.namespaced) path += "/namespaces/default";
  return path + "/" + std::string(resource.name);
}

std::string object_text(const api::ResourceInfo& resource, const std::string& name) {
  const std::string more = smallest(resource);
  return "{\"apiVersion\":\"" + (resource.group.empty() ? "" : std::string(resource.group) + "/") +
         std::string(resource.version) + "\",\"kind\":\"" + std::string(resource.kind) +
         "\",\"metadata\":{\"name\":\"" + name + "\"}" + (more.empty() ? "" : "," + more) + "}";
}

TEST(EveryKind, GoesThroughItsVerbs) {
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    if (!resource.enabled || resource.storage_resource.empty() || !resource.has_verb("create")) {
      continue;
    }
    const std::string label = std::string(resource.group) + "/" + std::string(resource.version) +
                              " " + std::string(resource.name);
    SCOPED_TRACE(label);
    TestServer server;
    // There is no controller that would take its finalizers away.
    server.configuration.disabled_admission_plugins = {"StorageObjectInUseProtection"};
    server.make_service_account("default");
    const std::string path = base_path(resource);
    const std::string object = path + "/" + name_of(resource);
    const auto made = server.post(path, object_text(resource, name_of(resource)));
    EXPECT_EQ(made->status, 201) << made->body;
    if (made->status != 201) continue;
    EXPECT_EQ(made->at("kind"), resource.kind);
    EXPECT_FALSE(made->at("metadata", "uid").empty());
    const auto got = server.get(object);
    EXPECT_EQ(got->status, 200);
    EXPECT_TRUE(api::equal(got->json(), made->json())) << got->body << made->body;
    const auto list = server.get(path);
    EXPECT_EQ(list->at("kind"), std::string(resource.kind) + "List");
    EXPECT_GE(list->json().find("items")->size(), 1U);
    EXPECT_EQ(server.put(object, got->body)->at("metadata", "resourceVersion"),
              got->at("metadata", "resourceVersion"))
        << "a PUT of what is there changes nothing";
    const auto patched = server.merge(object, R"({"metadata":{"labels":{"k":"v"}}})");
    EXPECT_EQ(patched->status, 200) << patched->body;
    EXPECT_EQ(patched->at("metadata", "labels", "k"), "v");
    EXPECT_NE(patched->at("metadata", "resourceVersion"), got->at("metadata", "resourceVersion"));
    EXPECT_EQ(server.get(path + "?labelSelector=k%3Dv")->json().find("items")->size(), 1U);
    EXPECT_EQ(server.remove(object)->status, 200);
    server.executor().run_until_idle();
    EXPECT_EQ(server.get(object)->status, resource.name == "namespaces" ? 200 : 404);
  }
}

TEST(EveryKind, RefusesWhatIsMeantForAnother) {
  TestServer server;
  server.make_service_account("default");
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    if (!resource.enabled || resource.storage_resource.empty() || !resource.has_verb("create")) {
      continue;
    }
    SCOPED_TRACE(std::string(resource.group) + "/" + std::string(resource.version) + " " +
                 std::string(resource.name));
    const std::string path = base_path(resource);
    const std::string object = path + "/" + name_of(resource);
    const std::string body = object_text(resource, name_of(resource));
    EXPECT_EQ(server.post(path + "?dryRun=All", body)->status, 201);
    EXPECT_EQ(server.get(object)->status, 404) << "nothing is kept of a dry run";
    EXPECT_EQ(server.call("POST", path, body, "text/plain")->status, 415);
    const auto made = server.post(path, body);
    EXPECT_EQ(made->status, 201) << made->body;
    EXPECT_EQ(server.post(path, body)->status, 409);
    EXPECT_EQ(server.put(path, made->body)->status, 405);
    EXPECT_EQ(server.put(path + "/other", made->body)->status, 400);
    EXPECT_EQ(server.merge(object, R"({"metadata":{"name":"other"}})")->status, 400);
    EXPECT_EQ(server.merge(object, R"({"kind":"Other"})")->status, 422);
    EXPECT_EQ(server.merge(object, R"({"metadata":{"labels":{"k":"v"}}})")->status, 200);
    EXPECT_EQ(server.put(object, made->body)->status, 409) << "it was written meanwhile";
    EXPECT_EQ(server.call("DELETE", object, R"({"preconditions":{"uid":"another"}})")->status, 409);
    EXPECT_EQ(server.call("DELETE", object, R"({"kind":"Pod","apiVersion":"v1"})")->status, 400);
    EXPECT_EQ(server.remove(object + "?dryRun=All")->status, 200);
    EXPECT_EQ(server.get(object)->at("metadata", "uid"), made->at("metadata", "uid"));
    EXPECT_EQ(server.remove(object)->status, 200);
    server.executor().run_until_idle();
  }
}

TEST(EveryKind, RefusesNamesThatAreNone) {
  TestServer server;
  server.make_service_account("default");
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    if (!resource.enabled || resource.storage_resource.empty() || !resource.has_verb("create")) {
      continue;
    }
    SCOPED_TRACE(std::string(resource.group) + " " + std::string(resource.name));
    const auto answer = server.post(base_path(resource), object_text(resource, "a/b"));
    EXPECT_EQ(answer->status, 422) << answer->body;
    EXPECT_NE(answer->message().find("metadata.name: Invalid value: \"a/b\""), std::string::npos)
        << answer->body;
    if (resource.name == "limitranges") continue;  // One without a name gets one.
    const auto nameless = server.post(base_path(resource), object_text(resource, ""));
    EXPECT_NE(nameless->message().find("name or generateName is required"), std::string::npos)
        << nameless->body;
  }
}

TEST(EveryKind, IgnoresAStatusThatComesWithAWriteOfTheObject) {
  TestServer server;
  server.make_service_account("default");
  for (const api::ResourceInfo& resource : api::builtin_schema().resources) {
    if (!resource.enabled || resource.storage_resource.empty() || !resource.has_verb("create") ||
        resource.subresource("status") == nullptr) {
      continue;
    }
    const auto* status = resource.type->field("status");
    if (status == nullptr || status->type->field("conditions") == nullptr) continue;
    SCOPED_TRACE(std::string(resource.group) + " " + std::string(resource.name));
    const std::string path = base_path(resource);
    const std::string object = path + "/" + name_of(resource);
    // Some take but a few types, and a migration knows where it is.
    const bool has_revision = status->type->field("resourceVersion") != nullptr;
    const std::string marked =
        std::string(R"("status":{)") + (has_revision ? R"("resourceVersion":"7",)" : "") +
        R"("conditions":[{"type":")" +
        (resource.name == "podcertificaterequests" ? "Failed" : "Some") +
        R"(","status":"True","reason":"R","message":"Marked",)"
        R"("lastTransitionTime":"2026-01-01T00:00:00Z"}]})";
    std::string body = object_text(resource, name_of(resource));
    body.insert(body.size() - 1, "," + marked);
    const auto made = server.post(path, body);
    EXPECT_EQ(made->status, 201) << made->body;
    // Of a pod's nothing but its quality counts.
    EXPECT_EQ(made->body.find("Marked") != std::string::npos,
              strategy_for(resource.storage_resource).keeps_status && resource.name != "pods");
    const auto put = server.merge(object + "/status", "{" + marked + "}");
    EXPECT_EQ(put->status, 200) << put->body;
    EXPECT_NE(put->body.find("Marked"), std::string::npos) << put->body;
    // A write of the object keeps the status; one of the status keeps the rest.
    const auto both =
        server.merge(object, R"({"metadata":{"labels":{"k":"v"}},"status":{"conditions":null}})");
    EXPECT_NE(both->body.find("Marked"), std::string::npos) << both->body;
    EXPECT_EQ(server.remove(object)->status, 200);
    server.executor().run_until_idle();
  }
}

}  // namespace
}  // namespace pinnace::apiserver
