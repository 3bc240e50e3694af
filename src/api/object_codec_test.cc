#include "api/object_codec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "api/json.h"

namespace pinnace::api {
namespace {

using testing::ElementsAre;

struct Outcome {
  std::string text;  // The normalised JSON, or the error's message.
  std::vector<std::string> unknown;
};

Outcome run(std::string_view group, std::string_view version, std::string_view kind,
            std::string_view json) {
  Arena arena;
  Outcome outcome;
  auto value = parse_json(arena, json);
  if (!value) return {value.error().message, {}};
  const TypeInfo& type = *builtin_schema().find_type(group, version, kind);
  auto done = normalise(arena, *value, type, &outcome.unknown);
  outcome.text = done ? to_json_text(*value) : done.error().message;
  return outcome;
}

TEST(Normalise, WritesMembersInOrderAndWhatIsAlwaysThere) {
  EXPECT_EQ(run("apps", "v1", "Deployment",
                R"({"metadata":{},"apiVersion":"apps/v1","kind":"Deployment"})")
                .text,
            R"({"kind":"Deployment","apiVersion":"apps/v1","metadata":{},"spec":{"selector":null,)"
            R"("template":{"metadata":{},"spec":{"containers":null}},"strategy":{}},"status":{}})");
  EXPECT_EQ(run("rbac.authorization.k8s.io", "v1", "ClusterRole", "{}").text,
            R"({"metadata":{},"rules":null})");
}

TEST(Normalise, DropsWhatGoLeavesOut) {
  EXPECT_EQ(run("", "v1", "ConfigMap",
                R"({"metadata":{"name":"a","labels":{},"generation":0,"finalizers":[],)"
                R"("annotations":null},"data":{"z":"1","a":"2"},"immutable":false})")
                .text,
            R"({"metadata":{"name":"a"},"immutable":false,"data":{"a":"2","z":"1"}})");
}

TEST(Normalise, BringsSpecialValuesToOneForm) {
  EXPECT_EQ(run("", "v1", "PersistentVolumeClaim",
                R"({"metadata":{"creationTimestamp":"2026-01-02T03:04:05+02:00"},)"
                R"("spec":{"resources":{"requests":{"storage":"1024Mi"}}}})")
                .text,
            R"({"metadata":{"creationTimestamp":"2026-01-02T01:04:05Z"},)"
            R"("spec":{"resources":{"requests":{"storage":"1Gi"}}},"status":{}})");
}

TEST(Normalise, PrunesAndReportsUnknownFields) {
  const auto outcome = run("", "v1", "Pod",
                           R"({"kind":"Pod","extra":1,"spec":{"Containers":[],"containers":[)"
                           R"({"name":"c","x":{}},{"name":"d","resources":{"y":1}}]}})");
  EXPECT_THAT(outcome.unknown, ElementsAre("spec.containers[0].x", "spec.containers[1].resources.y",
                                           "spec.Containers", "extra"));
  EXPECT_EQ(outcome.text,
            R"({"kind":"Pod","metadata":{},"spec":{"containers":[{"name":"c","resources":{}},)"
            R"({"name":"d","resources":{}}]},"status":{}})");
}

TEST(Normalise, KeepsRawObjectsAsTheyAre) {
  EXPECT_EQ(
      run("apps", "v1", "ControllerRevision", R"({"data":{"z":{"b":1,"a":2}},"revision":3})").text,
      R"({"metadata":{},"data":{"z":{"b":1,"a":2}},"revision":3})");
}

TEST(Normalise, SaysWhatGoSaysAboutWrongTypes) {
  const std::string handled =
      R"(Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal )";
  EXPECT_EQ(run("apps", "v1", "Deployment", R"({"spec":{"replicas":"3"}})").text,
            handled + "string into Go struct field DeploymentSpec.spec.replicas of type int32");
  EXPECT_EQ(run("apps", "v1", "Deployment", R"({"spec":{"replicas":1.5}})").text,
            handled + "number 1.5 into Go struct field DeploymentSpec.spec.replicas of type int32");
  EXPECT_EQ(
      run("apps", "v1", "Deployment", R"({"spec":{"replicas":3000000000}})").text,
      handled +
          "number 3000000000 into Go struct field DeploymentSpec.spec.replicas of type int32");
  EXPECT_EQ(
      run("apps", "v1", "Deployment", R"({"spec":{"template":{"spec":{"containers":{}}}}})").text,
      handled +
          "object into Go struct field PodSpec.spec.template.spec.containers of type "
          "[]v1.Container");
  EXPECT_EQ(run("apps", "v1", "Deployment",
                R"({"spec":{"template":{"spec":{"containers":[{"image":5}]}}}})")
                .text,
            handled +
                "number into Go struct field Container.spec.template.spec.containers.image "
                "of type string");
  EXPECT_EQ(run("", "v1", "Pod", R"({"metadata":{"labels":{"a":1}}})").text,
            R"(Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal number into )"
            "Go struct field ObjectMeta.metadata.labels of type string");
  EXPECT_EQ(run("", "v1", "Pod", R"({"spec":{"containers":["x"]}})").text,
            R"(Pod in version "v1" cannot be handled as a Pod: json: cannot unmarshal string into )"
            "Go struct field PodSpec.spec.containers of type v1.Container");
}

TEST(Normalise, RefusesBadQuantitiesTimesAndBase64) {
  EXPECT_NE(
      run("", "v1", "ResourceQuota", R"({"spec":{"hard":{"cpu":"1x"}}})").text.find("quantit"),
      std::string::npos);
  EXPECT_NE(run("", "v1", "Pod", R"({"metadata":{"creationTimestamp":"yesterday"}})")
                .text.find("parsing time \"yesterday\""),
            std::string::npos);
  EXPECT_NE(run("", "v1", "Secret", R"({"data":{"a":"a b"}})")
                .text.find("illegal base64 data at input byte 1"),
            std::string::npos);
}

TEST(Normalise, TakesTheZeroTimeForNoneAndRefusesYearsOutOfReach) {
  EXPECT_EQ(run("", "v1", "Pod", R"({"status":{"startTime":"0001-01-01T00:00:00Z"}})").text,
            R"({"metadata":{},"spec":{"containers":null},"status":{"startTime":null}})");
  for (const std::string year : {"0001", "1677", "2262", "9999"}) {
    const std::string time = year + "-12-31T23:59:59Z";
    EXPECT_NE(run("", "v1", "Pod", R"({"status":{"startTime":")" + time + R"("}})")
                  .text.find("parsing time \"" + time),
              std::string::npos);
  }
}

TEST(Normalise, ReadsMembersThatAreOneOfSeveralForms) {
  EXPECT_EQ(run("apiextensions.k8s.io", "v1", "JSONSchemaProps",
                R"({"items":{"type":"string"},"additionalProperties":true,"default":{"b":[1]}})")
                .text,
            R"({"default":{"b":[1]},"items":{"type":"string"},"additionalProperties":true})");
}

TEST(Normalise, WordsTheStrictError) {
  const TypeInfo& type = *builtin_schema().find_type("", "v1", "Pod");
  const auto problems = field_problems("", {"spec.foo"}, {"spec.bar"});
  EXPECT_EQ(strict_decoding_error(type, problems).error().message,
            R"(Pod in version "v1" cannot be handled as a Pod: strict decoding error: )"
            R"(unknown field "spec.foo", duplicate field "spec.bar")");
}

}  // namespace
}  // namespace pinnace::api
