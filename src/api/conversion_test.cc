#include "api/conversion.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>

#include "api/defaults.h"
#include "api/json.h"
#include "api/object_codec.h"
#include "api/test_support.h"

namespace pinnace::api {
namespace {

const ResourceInfo& resource_of(std::string_view group_version, std::string_view name) {
  const auto slash = group_version.find('/');
  const bool is_core = slash == std::string_view::npos;
  return *builtin_schema().find_resource(is_core ? "" : group_version.substr(0, slash),
                                         is_core ? group_version : group_version.substr(slash + 1),
                                         name);
}

const ResourceInfo* storage_of(const ResourceInfo& resource) {
  if (resource.storage_version.empty()) return nullptr;
  for (const ResourceInfo& other : builtin_schema().resources) {
    if (other.storage_resource != resource.storage_resource) continue;
    std::string version(other.group);
    version += version.empty() ? "" : "/";
    version += other.version;
    if (version == resource.storage_version) return &other;
  }
  return nullptr;
}

std::string converted(std::string_view json, std::string_view from, std::string_view to,
                      std::string_view from_resource, std::string_view to_resource = "") {
  Arena arena;
  const ResourceInfo& source = resource_of(from, from_resource);
  const ResourceInfo& target = resource_of(to, to_resource.empty() ? from_resource : to_resource);
  Value value = parse_json(arena, json).value();
  EXPECT_TRUE(normalise(arena, value, *source.type).has_value());
  auto ok = convert_version(arena, value, source, target);
  return ok ? to_json_text(value) : ok.error().message;
}

// The paths at which `a` has something that `b` has not, or has otherwise.
void differences(const Value& a, const Value& b, const std::string& path,
                 std::set<std::string>& out) {
  if (a.is_object() && b.is_object()) {
    for (const auto& [key, value] : a.members()) {
      const std::string below = path.empty() ? std::string(key) : path + "." + std::string(key);
      const Value* other = b.find(key);
      if (other == nullptr)
        out.insert(below);
      else
        differences(value, *other, below, out);
    }
    for (const auto& [key, value] : b.members()) {
      if (a.find(key) == nullptr) out.insert("+" + path + "." + std::string(key));
    }
  } else if (a.is_array() && b.is_array() && a.size() == b.size()) {
    for (std::size_t i = 0; i < a.size(); ++i) {
      differences(a.items()[i], b.items()[i], path + "[]", out);
    }
  } else if (!equal(a, b)) {
    out.insert(path);
  }
}

// What a filled object does not get back, since it says things that exclude each other, or that the
// other version has no place for in Kubernetes either.
struct Loss {
  std::string_view version, resource, path;
};
constexpr Loss kLosses[] = {
    {"apiextensions.k8s.io/v1beta1", "customresourcedefinitions", "spec.version"},
    {"autoscaling/v1", "horizontalpodautoscalers", "+metadata.annotations"},
    {"autoscaling/v1", "horizontalpodautoscalers", "spec.metrics[]."},
    {"autoscaling/v1", "horizontalpodautoscalers", "status.currentMetrics[]."},
    {"autoscaling/v2beta1", "horizontalpodautoscalers", "spec.metrics[]."},
    {"autoscaling/v2beta1", "horizontalpodautoscalers", "status.currentMetrics[]."},
    {"autoscaling/v2beta1", "horizontalpodautoscalers", "status.conditions[].observedGeneration"},
    {"autoscaling/v2beta2", "horizontalpodautoscalers", "spec.behavior.scaleDown.tolerance"},
    {"autoscaling/v2beta2", "horizontalpodautoscalers", "spec.behavior.scaleUp.tolerance"},
    {"autoscaling/v2beta2", "horizontalpodautoscalers", "status.conditions[].observedGeneration"},
    {"discovery.k8s.io/v1beta1", "endpointslices", "+endpoints[].topology.kubernetes.io/hostname"},
    {"extensions/v1beta1", "ingresses", "spec.defaultBackend.service.port.number"},
    {"extensions/v1beta1", "ingresses", "spec.rules[].http.paths[].backend.service.port.number"},
    {"networking.k8s.io/v1beta1", "ingresses", "spec.defaultBackend.service.port.number"},
    {"networking.k8s.io/v1beta1", "ingresses",
     "spec.rules[].http.paths[].backend.service.port.number"},
};

bool is_expected(const ResourceInfo& other, const std::string& path) {
  const std::string version = std::string(other.group) + "/" + std::string(other.version);
  return std::ranges::any_of(kLosses, [&](const Loss& loss) {
    return loss.version == version && loss.resource == other.name && path.starts_with(loss.path);
  });
}

void expect_round_trip(const ResourceInfo& other, const ResourceInfo& from,
                       const ResourceInfo& to) {
  const std::string label =
      std::string(other.group) + "/" + std::string(other.version) + " " + std::string(other.name);
  Arena arena;
  Value value = Filler(arena).object(*from.type);
  value.set_ref(arena, "apiVersion", Value::string_ref(from.version));
  ASSERT_TRUE(normalise(arena, value, *from.type).has_value()) << label;
  const Value before = deep_copy(arena, value);
  auto ok = convert_version(arena, value, from, to);
  ASSERT_TRUE(ok.has_value()) << label << ": " << ok.error().message;
  ok = convert_version(arena, value, to, from);
  ASSERT_TRUE(ok.has_value()) << label << ": " << ok.error().message;
  std::set<std::string> lost;
  differences(before, value, "", lost);
  lost.erase("apiVersion");
  for (const std::string& path : lost)
    EXPECT_TRUE(is_expected(other, path)) << label << " " << path;
}

TEST(Conversion, KeepsEveryFieldOnTheWayThereAndBack) {
  std::size_t pairs = 0;
  for (const ResourceInfo& other : builtin_schema().resources) {
    const ResourceInfo* stored = storage_of(other);
    if (stored == nullptr || stored == &other || !other.enabled || other.verbs.empty()) continue;
    expect_round_trip(other, other, *stored);
    expect_round_trip(other, *stored, other);
    ++pairs;
  }
  EXPECT_GT(pairs, 40U);
}

TEST(Conversion, SetsTheVersion) {
  EXPECT_EQ(converted(R"({"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1beta1",)"
                      R"("metadata":{"name":"r"},"rules":null})",
                      "rbac.authorization.k8s.io/v1beta1", "rbac.authorization.k8s.io/v1", "roles"),
            R"({"kind":"Role","apiVersion":"rbac.authorization.k8s.io/v1",)"
            R"("metadata":{"name":"r"},"rules":null})");
}

constexpr std::string_view kOldIngress =
    R"({"metadata":{"name":"i"},"spec":{"backend":{"serviceName":"d","servicePort":"http"},)"
    R"("rules":[{"host":"h","http":{"paths":[{"path":"/","pathType":"ImplementationSpecific",)"
    R"("backend":{"serviceName":"s","servicePort":80}}]}}]},"status":{"loadBalancer":{}}})";

TEST(Conversion, MovesIngressBackends) {
  Arena arena;
  const std::string stored =
      converted(kOldIngress, "extensions/v1beta1", "networking.k8s.io/v1", "ingresses");
  EXPECT_EQ(stored, R"({"apiVersion":"networking.k8s.io/v1","metadata":{"name":"i"},)"
                    R"("spec":{"defaultBackend":{"service":{"name":"d","port":{"name":"http"}}},)"
                    R"("rules":[{"host":"h","http":{"paths":[{"path":"/",)"
                    R"("pathType":"ImplementationSpecific",)"
                    R"("backend":{"service":{"name":"s","port":{"number":80}}}}]}}]},)"
                    R"("status":{"loadBalancer":{}}})");
  std::string old(kOldIngress);
  old.insert(1, R"("apiVersion":"networking.k8s.io/v1beta1",)");
  EXPECT_EQ(converted(stored, "networking.k8s.io/v1", "networking.k8s.io/v1beta1", "ingresses"),
            old);
}

TEST(Conversion, KeepsResourceBackends) {
  const std::string stored = converted(
      R"({"metadata":{},"spec":{"backend":{"servicePort":0,"resource":{"kind":"B","name":"b"}}}})",
      "networking.k8s.io/v1beta1", "networking.k8s.io/v1", "ingresses");
  EXPECT_NE(stored.find(R"("defaultBackend":{"resource":{"apiGroup":null,"kind":"B","name":"b"}})"),
            std::string::npos)
      << stored;
}

TEST(Conversion, KeepsRollbacksInAnAnnotation) {
  const std::string stored = converted(R"({"metadata":{},"spec":{"rollbackTo":{"revision":3}}})",
                                       "extensions/v1beta1", "apps/v1", "deployments");
  EXPECT_NE(stored.find(R"("annotations":{"deprecated.deployment.rollback.to":"3"})"),
            std::string::npos)
      << stored;
  const std::string back = converted(stored, "apps/v1", "apps/v1beta1", "deployments");
  EXPECT_NE(back.find(R"("rollbackTo":{"revision":3})"), std::string::npos) << back;
  EXPECT_EQ(back.find("annotations"), std::string::npos);
  EXPECT_EQ(converted(R"({"metadata":{"annotations":{"deprecated.deployment.rollback.to":"x"}}})",
                      "apps/v1", "apps/v1beta1", "deployments"),
            R"(strconv.ParseInt: parsing "x": invalid syntax)");
}

TEST(Conversion, MovesOneMetricOfAutoscalersAndKeepsTheOthers) {
  const std::string stored = converted(
      R"({"metadata":{"annotations":{"autoscaling.alpha.kubernetes.io/metrics":)"
      R"("[{\"type\":\"Pods\",\"pods\":{\"metricName\":\"m\",\"targetAverageValue\":\"2\"}}]"}},)"
      R"("spec":{"scaleTargetRef":{"kind":"D","name":"d"},"maxReplicas":3,)"
      R"("targetCPUUtilizationPercentage":70},)"
      R"("status":{"currentReplicas":1,"desiredReplicas":1,"currentCPUUtilizationPercentage":5}})",
      "autoscaling/v1", "autoscaling/v2", "horizontalpodautoscalers");
  EXPECT_EQ(stored,
            R"({"apiVersion":"autoscaling/v2","metadata":{},"spec":{"scaleTargetRef":)"
            R"({"kind":"D","name":"d"},"maxReplicas":3,"metrics":[{"type":"Pods","pods":{"metric":)"
            R"({"name":"m"},"target":{"type":"AverageValue","averageValue":"2"}}},)"
            R"({"type":"Resource","resource":{"name":"cpu","target":{"type":"Utilization",)"
            R"("averageUtilization":70}}}]},"status":{"currentReplicas":1,"desiredReplicas":1,)"
            R"("currentMetrics":[{"type":"Resource","resource":{"name":"cpu","current":)"
            R"({"averageUtilization":5}}}]}})");
  const std::string back =
      converted(stored, "autoscaling/v2", "autoscaling/v1", "horizontalpodautoscalers");
  EXPECT_NE(back.find(R"("maxReplicas":3,"targetCPUUtilizationPercentage":70)"), std::string::npos);
  EXPECT_NE(back.find(R"("autoscaling.alpha.kubernetes.io/metrics":"[{\"type\":\"Pods\",\"pods\":)"
                      R"({\"metricName\":\"m\",\"targetAverageValue\":\"2\"}}]")"),
            std::string::npos)
      << back;
  EXPECT_NE(back.find(R"("currentCPUUtilizationPercentage":5)"), std::string::npos);
}

TEST(Conversion, KeepsScalingBehaviorInAnAnnotation) {
  const std::string old = converted(
      R"({"metadata":{},"spec":{"maxReplicas":1,"behavior":{"scaleUp":{"selectPolicy":"Max",)"
      R"("policies":[{"type":"Pods","value":4,"periodSeconds":15}]}}}})",
      "autoscaling/v2", "autoscaling/v2beta1", "horizontalpodautoscalers");
  EXPECT_NE(old.find(R"("autoscaling.alpha.kubernetes.io/behavior":"{\"ScaleUp\":{)"
                     R"(\"StabilizationWindowSeconds\":null,\"SelectPolicy\":\"Max\",)"
                     R"(\"Policies\":[{\"Type\":\"Pods\")"),
            std::string::npos)
      << old;
  const std::string back =
      converted(old, "autoscaling/v2beta1", "autoscaling/v2", "horizontalpodautoscalers");
  EXPECT_NE(back.find(R"("behavior":{"scaleUp":{"selectPolicy":"Max","policies":[)"),
            std::string::npos)
      << back;
  EXPECT_EQ(back.find("annotations"), std::string::npos);
}

TEST(Conversion, SpreadsAndGathersWhatIsSaidForAllVersions) {
  const std::string stored = converted(
      R"({"metadata":{},"spec":{"group":"g","names":{"plural":"p","kind":"K"},"scope":"Cluster",)"
      R"("version":"v1","validation":{"openAPIV3Schema":{"type":"object"}},)"
      R"("additionalPrinterColumns":[{"name":"A","type":"string","JSONPath":".spec.a"}],)"
      R"("conversion":{"strategy":"Webhook","webhookClientConfig":{"url":"https://h"},)"
      R"("conversionReviewVersions":["v1beta1"]}}})",
      "apiextensions.k8s.io/v1beta1", "apiextensions.k8s.io/v1", "customresourcedefinitions");
  EXPECT_NE(stored.find(R"("versions":[{"name":"v1","served":true,"storage":true,)"
                        R"("schema":{"openAPIV3Schema":{"type":"object"}},)"
                        R"("additionalPrinterColumns":[{"name":"A","type":"string",)"
                        R"("jsonPath":".spec.a"}]}],"conversion":{"strategy":"Webhook",)"
                        R"("webhook":{"clientConfig":{"url":"https://h"},)"
                        R"("conversionReviewVersions":["v1beta1"]}})"),
            std::string::npos)
      << stored;
  const std::string back = converted(stored, "apiextensions.k8s.io/v1",
                                     "apiextensions.k8s.io/v1beta1", "customresourcedefinitions");
  EXPECT_NE(back.find(R"("version":"v1")"), std::string::npos) << back;
  EXPECT_NE(back.find(R"("validation":{"openAPIV3Schema":{"type":"object"}})"), std::string::npos);
  EXPECT_NE(back.find(R"("JSONPath":".spec.a")"), std::string::npos);
  EXPECT_NE(back.find(R"("preserveUnknownFields":false)"), std::string::npos);
}

TEST(Conversion, ShowsEventsInBothGroups) {
  const std::string stored = converted(
      R"({"metadata":{},"eventTime":null,"regarding":{"kind":"Pod","name":"p"},"note":"n",)"
      R"("reason":"R","type":"Normal","reportingController":"c","reportingInstance":"i",)"
      R"("deprecatedCount":2})",
      "events.k8s.io/v1", "v1", "events");
  for (const std::string_view part :
       {R"("involvedObject":{"kind":"Pod","name":"p"})", R"("message":"n")", R"("count":2)",
        R"("reportingComponent":"c")"}) {
    EXPECT_NE(stored.find(part), std::string::npos) << part << " in " << stored;
  }
}

TEST(Conversion, KeepsTheMeaningOfEmptySelectorsOfBudgets) {
  const std::string key = "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match";
  const std::string stored = converted(R"({"metadata":{},"spec":{"selector":{}}})",
                                       "policy/v1beta1", "policy/v1", "poddisruptionbudgets");
  EXPECT_NE(stored.find(R"("selector":{"matchExpressions":[{"key":")" + key +
                        R"(","operator":"Exists"}]})"),
            std::string::npos)
      << stored;
  EXPECT_NE(converted(stored, "policy/v1", "policy/v1beta1", "poddisruptionbudgets")
                .find(R"("selector":{})"),
            std::string::npos);
  EXPECT_NE(converted(R"({"metadata":{},"spec":{"selector":{}}})", "policy/v1", "policy/v1beta1",
                      "poddisruptionbudgets")
                .find(R"("operator":"DoesNotExist")"),
            std::string::npos);
}

TEST(Conversion, TakesTopologyApart) {
  const std::string stored =
      converted(R"({"metadata":{},"addressType":"IPv4","endpoints":[{"addresses":["10.0.0.1"],)"
                R"("nodeName":"n","topology":{"kubernetes.io/hostname":"n",)"
                R"("topology.kubernetes.io/zone":"z","x":"y"}}]})",
                "discovery.k8s.io/v1beta1", "discovery.k8s.io/v1", "endpointslices");
  EXPECT_NE(stored.find(R"("deprecatedTopology":{"x":"y"},"nodeName":"n","zone":"z")"),
            std::string::npos)
      << stored;
  EXPECT_NE(
      converted(stored, "discovery.k8s.io/v1", "discovery.k8s.io/v1beta1", "endpointslices")
          .find(R"("topology":{"kubernetes.io/hostname":"n","topology.kubernetes.io/zone":"z",)"
                R"("x":"y"})"),
      std::string::npos);
}

// What a manifest of 2018 becomes: its own version's defaults first, then the stored one.
TEST(Conversion, OldDeploymentsSelectByTheirTemplatesLabels) {
  Arena arena;
  const ResourceInfo& old = resource_of("extensions/v1beta1", "deployments");
  Value value = parse_json(arena, R"({"metadata":{"name":"d"},"spec":{"template":{"metadata":)"
                                  R"({"labels":{"a":"b"}},"spec":{"containers":[]}}}})")
                    .value();
  ASSERT_TRUE(normalise(arena, value, *old.type).has_value());
  apply_defaults(arena, value, *old.type);
  ASSERT_TRUE(
      convert_version(arena, value, old, resource_of("apps/v1", "deployments")).has_value());
  EXPECT_EQ(to_json_text(*value.find_path({"spec", "selector"})), R"({"matchLabels":{"a":"b"}})");
  EXPECT_EQ(value.string_at("apiVersion"), "apps/v1");
}

}  // namespace
}  // namespace pinnace::api
