// Custom kinds whose versions a webhook converts, and who sees which version of them.
#include <gmock/gmock.h>

#include "apiserver/admission/webhooks/webhooks_testing.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using ::testing::HasSubstr;
using testing::response;

// Boxes, whose v1 (which is stored) says spec.size and whose v2 says spec.length. A webhook converts
// them; those who ask for one version see what is written in the other.
class ConvertedTest : public testing::WebhooksTest {
 protected:
  static constexpr const char* kOfV1 =
      R"("apiGroups":["example.com"],"apiVersions":["v1"],"resources":["boxes"],"operations":["*"])";

  void SetUp() override {
    client_.hooks["https://hook/convert"] = convert;
    start(client_);
    const auto version = [](const char* name, const char* field, const char* rest) {
      return std::string(R"({"name":")") + name + R"(","served":true,"storage":)" + rest +
             R"(,"schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":)"
             R"({"type":"object","properties":{")" +
             field + R"(":{"type":"integer"}}}}}},"selectableFields":[{"jsonPath":".spec.)" +
             field + "\"}]}";
    };
    const auto made = call(
        "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        R"({"metadata":{"name":"boxes.example.com"},"spec":{"group":"example.com",)"
        R"("scope":"Namespaced","names":{"plural":"boxes","kind":"Box"},"versions":[)" +
            version("v1", "size", "true") + "," + version("v2", "length", "false") +
            R"(],"conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],)"
            R"("clientConfig":{"url":"https://hook/convert"}}}}})");
    ASSERT_EQ(made->status, 201) << made->body;
    executor_.run_until_idle();
  }

  static std::string convert(const api::Value& request) {
    api::Arena arena;
    const std::string wanted(request.string_at("desiredAPIVersion"));
    const bool to_v2 = wanted.ends_with("/v2");
    std::string objects;
    for (const auto& given : request.find("objects")->items()) {
      api::Value made = api::deep_copy(arena, given);
      made.set(arena, "apiVersion", api::Value::string(arena, wanted));
      if (const auto* size = given.find_path({"spec", to_v2 ? "size" : "length"})) {
        api::Value spec = api::Value::object();
        spec.set(arena, to_v2 ? "length" : "size", *size);
        made.set(arena, "spec", spec);
      }
      objects += (objects.empty() ? "" : ",") + api::to_json_text(made);
    }
    return R"({"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/v1","response":{"uid":")" +
           std::string(request.string_at("uid")) +
           R"(","result":{"status":"Success"},"convertedObjects":[)" + objects + "]}}";
  }

  AnswerRef box(const std::string& version, const std::string& name, const std::string& spec) {
    return call("POST", "/apis/example.com/" + version + "/namespaces/default/boxes",
                R"({"apiVersion":"example.com/)" + version +
                    R"(","kind":"Box","metadata":{"name":")" + name + R"("},"spec":)" + spec + "}");
  }
};

TEST_F(ConvertedTest, AValidatingWebhookSeesTheVersionThatItAskedFor) {
  std::vector<std::string> seen;
  client_.hooks["https://hook/judge"] = [&seen](const api::Value& request) {
    const auto size_of = [&](const char* object) {
      const auto* size = request.find_path({object, "spec", "size"});
      return size == nullptr ? std::string("none") : std::to_string(size->as_int());
    };
    const auto* resource = request.find("resource");
    const auto* asked = request.find("requestResource");
    seen.push_back(std::string(resource->string_at("version")) + " for " +
                   std::string(asked->string_at("version")) + ": " + size_of("oldObject") + " to " +
                   size_of("object"));
    const bool is_allowed = size_of("object") != "13";
    return response(request, std::string(R"("allowed":)") + (is_allowed ? "true" : "false"));
  };
  hook("validating", "judge", R"(,"matchPolicy":"Equivalent")", kOfV1);
  EXPECT_EQ(box("v2", "b", R"({"length":3})")->status, 201);
  const std::string path = "/apis/example.com/v2/namespaces/default/boxes/b";
  EXPECT_EQ(call("PATCH", path, R"({"spec":{"length":5}})")->status, 200);
  EXPECT_EQ(call("PATCH", path, R"({"spec":{"length":13}})")->status, 400);
  EXPECT_EQ(call("DELETE", path)->status, 200);
  EXPECT_EQ(seen, (std::vector<std::string>{"v1 for v2: none to 3", "v1 for v2: 3 to 5",
                                            "v1 for v2: 5 to 13", "v1 for v2: 5 to none"}));
}

TEST_F(ConvertedTest, WhoWantsAnExactMatchIsNotAskedAboutOtherVersions) {
  client_.hooks["https://hook/judge"] = [](const api::Value& request) {
    return response(request, R"("allowed":false)");
  };
  hook("validating", "judge", R"(,"matchPolicy":"Exact")", kOfV1);
  EXPECT_EQ(box("v2", "b", R"({"length":3})")->status, 201);
  EXPECT_EQ(box("v1", "c", R"({"size":3})")->status, 400);
}

TEST_F(ConvertedTest, WhatAMutatingWebhookChangesComesBackInTheVersionOfTheRequest) {
  const auto adds_one = [](const api::Value& request) {
    const auto* size = request.find_path({"object", "spec", "size"});
    if (size == nullptr) return response(request, R"("allowed":true)");
    const std::string patch = R"([{"op":"replace","path":"/spec/size","value":)" +
                              std::to_string(size->as_int() + 1) + "}]";
    return response(request, R"("allowed":true,"patchType":"JSONPatch","patch":")" +
                                 base64_encode(patch) + "\"");
  };
  client_.hooks["https://hook/first"] = adds_one;
  client_.hooks["https://hook/second"] = adds_one;
  hook("mutating", "first",
       R"(,"matchConditions":[{"name":"small","expression":"object.spec.size < 10"}])", kOfV1);
  hook("mutating", "second", "", kOfV1);
  const auto made = box("v2", "b", R"({"length":3})");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(api::to_json_text(*made->json().find("spec")), R"({"length":5})");
  EXPECT_EQ(made->json().string_at("apiVersion"), "example.com/v2");
  const auto stored = call("GET", "/apis/example.com/v1/namespaces/default/boxes/b");
  EXPECT_EQ(api::to_json_text(*stored->json().find("spec")), R"({"size":5})");
  const auto large = box("v2", "large", R"({"length":10})");
  EXPECT_EQ(api::to_json_text(*large->json().find("spec")), R"({"length":11})");
}

TEST_F(ConvertedTest, AConversionThatFailsEndsTheRequest) {
  client_.hooks["https://hook/judge"] = allow;
  hook("validating", "judge", R"(,"failurePolicy":"Ignore")", kOfV1);
  hook("mutating", "judge", "", kOfV1);
  client_.hooks.erase("https://hook/convert");
  const auto refused = box("v2", "b", R"({"length":3})");
  EXPECT_EQ(refused->status, 500);
  EXPECT_THAT(refused->message(),
              HasSubstr("Internal error occurred: conversion webhook for example.com/v2, Kind=Box "
                        "failed: "));
}

TEST_F(ConvertedTest, ADryRunIsConvertedAsIfItWereWritten) {
  const std::string path = "/apis/example.com/v2/namespaces/default/boxes";
  const auto dry = [&](const char* method, const std::string& where, const char* spec) {
    return call(
        method, where + "?dryRun=All",
        std::string(R"({"apiVersion":"example.com/v2","kind":"Box","metadata":{"name":"b"},)") +
            R"("spec":)" + spec + "}");
  };
  const auto made = dry("POST", path, R"({"length":3})");
  EXPECT_EQ(made->status, 201);
  EXPECT_EQ(made->json().string_at("apiVersion"), "example.com/v2");
  EXPECT_EQ(api::to_json_text(*made->json().find("spec")), R"({"length":3})");
  EXPECT_EQ(call("GET", path + "/b")->status, 404);
  box("v1", "b", R"({"size":4})");
  const auto changed = dry("PATCH", path + "/b", R"({"length":5})");
  EXPECT_EQ(changed->status, 200);
  EXPECT_EQ(api::to_json_text(*changed->json().find("spec")), R"({"length":5})");
  EXPECT_EQ(call("GET", path + "/b")->json().find_path({"spec", "length"})->as_int(), 4);
  client_.hooks.erase("https://hook/convert");
  EXPECT_EQ(dry("PATCH", path + "/b", R"({"length":5})")->status, 500);
}

TEST_F(ConvertedTest, TheAnswerMustBeTheReviewThatWasAskedFor) {
  box("v1", "b", R"({"size":3})");
  const auto told = [&](const std::string& version, const std::string& kind) {
    client_.hooks["https://hook/convert"] = [=](const api::Value&) {
      return R"({"kind":")" + kind + R"(","apiVersion":"apiextensions.k8s.io/)" + version + "\"}";
    };
    const auto answer = call("GET", "/apis/example.com/v2/namespaces/default/boxes/b");
    EXPECT_EQ(answer->status, 500);
    return answer->message();
  };
  EXPECT_THAT(told("v1beta1", "ConversionReview"),
              HasSubstr("converting (v1beta1.ConversionReview) to (v1.ConversionReview): unknown "
                        "conversion"));
  EXPECT_THAT(told("v1", "Other"), HasSubstr("no kind \"Other\" is registered for version "
                                             "\"apiextensions.k8s.io/v1\""));
  EXPECT_THAT(told("v1", "ConversionReview"), HasSubstr("failed: no response provided"));
}

TEST_F(ConvertedTest, ListsAndDeletionsSelectInTheVersionOfTheRequest) {
  for (const char* name : {"a", "b", "c"}) box("v1", name, R"({"size":3})");
  box("v1", "d", R"({"size":4})");
  const std::string path =
      "/apis/example.com/v2/namespaces/default/boxes?fieldSelector=spec.length";
  const auto first = call("GET", path + "%3D3&limit=2");
  ASSERT_EQ(first->status, 200) << first->body;
  EXPECT_EQ(first->json().find("items")->size(), 2U);
  const auto rest =
      call("GET", path + "%3D3&limit=2&continue=" +
                      std::string(first->json().find_path({"metadata", "continue"})->as_string()));
  ASSERT_EQ(rest->json().find("items")->size(), 1U) << rest->body;
  EXPECT_EQ(call("DELETE", path + "!%3D3")->status, 200);
  const auto left = call("GET", "/apis/example.com/v1/namespaces/default/boxes");
  EXPECT_EQ(left->json().find("items")->size(), 3U);
}

TEST_F(ConvertedTest, NothingIsDeletedThatCannotBeConverted) {
  box("v1", "b", R"({"size":3})");
  client_.hooks.erase("https://hook/convert");
  const std::string path = "/apis/example.com/v2/namespaces/default/boxes";
  EXPECT_EQ(call("DELETE", path + "/b")->status, 500);
  EXPECT_EQ(call("DELETE", path)->status, 500);
  EXPECT_EQ(call("GET", "/apis/example.com/v1/namespaces/default/boxes/b")->status, 200);
}

TEST_F(ConvertedTest, APolicySeesTheVersionThatItAskedFor) {
  const std::string group = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolic";
  const auto policy = call(
      "POST", group + "ies",
      std::string(R"({"metadata":{"name":"p"},"spec":{"matchConstraints":{"resourceRules":[{)") +
          kOfV1 + R"(}]},"validations":[{"expression":"object.spec.size < 5"}]}})");
  ASSERT_EQ(policy->status, 201) << policy->body;
  const auto binding =
      call("POST", group + "ybindings",
           R"({"metadata":{"name":"b"},"spec":{"policyName":"p","validationActions":["Deny"]}})");
  ASSERT_EQ(binding->status, 201) << binding->body;
  EXPECT_EQ(box("v2", "small", R"({"length":3})")->status, 201);
  const auto refused = box("v2", "large", R"({"length":9})");
  EXPECT_EQ(refused->status, 422) << refused->body;
  EXPECT_THAT(refused->message(), HasSubstr("failed expression: object.spec.size < 5"));
}

TEST_F(ConvertedTest, WhatAMutatingPolicyChangesComesBackInTheVersionOfTheRequest) {
  const std::string group = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolic";
  const auto policy =
      call("POST", group + "ies",
           std::string(R"({"metadata":{"name":"p"},"spec":{"reinvocationPolicy":"Never",)"
                       R"("matchConstraints":{"resourceRules":[{)") +
               R"("apiGroups":["example.com"],"apiVersions":["v1"],"resources":["boxes"],)"
               R"("operations":["CREATE"]}]},)"
               R"("matchConditions":[{"name":"small","expression":"object.spec.size < 10"}],)"
               R"("mutations":[{"patchType":"JSONPatch","jsonPatch":{"expression":)"
               R"("[JSONPatch{op: 'replace', path: '/spec/size', value: object.spec.size + 1}]"}},)"
               R"({"patchType":"ApplyConfiguration","applyConfiguration":{"expression":)"
               R"("Object{spec: Object.spec{size: object.spec.size * 2}}"}}]}})");
  ASSERT_EQ(policy->status, 201) << policy->body;
  const auto binding =
      call("POST", group + "ybindings", R"({"metadata":{"name":"b"},"spec":{"policyName":"p"}})");
  ASSERT_EQ(binding->status, 201) << binding->body;
  const auto made = box("v2", "b", R"({"length":3})");
  EXPECT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(api::to_json_text(*made->json().find("spec")), R"({"length":8})");
  const auto own = box("v1", "own", R"({"size":4})");
  EXPECT_EQ(api::to_json_text(*own->json().find("spec")), R"({"size":10})");
  const auto large = box("v2", "large", R"({"length":10})");
  EXPECT_EQ(api::to_json_text(*large->json().find("spec")), R"({"length":10})");
}

}  // namespace
}  // namespace pinnace::apiserver
