#include "apiserver/custom/custom_testing.h"

namespace pinnace::apiserver {
namespace {

using testing::CustomTest;
using testing::kDefinitions;
using testing::kWidgets;
using testing::widget_definition;

constexpr char kSpec[] =
    R"("spec":{"type":"object","required":["size"],"properties":{)"
    R"("size":{"type":"integer","minimum":1,"maximum":10},)"
    R"("color":{"type":"string","enum":["red","blue"],"default":"red"},)"
    R"("name":{"type":"string","maxLength":5,"pattern":"^[a-z]+$"},)"
    R"("port":{"x-kubernetes-int-or-string":true},)"
    R"("free":{"type":"object","x-kubernetes-preserve-unknown-fields":true},)"
    R"("tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}},)"
    R"("status":{"type":"object","properties":{"phase":{"type":"string"},)"
    R"("replicas":{"type":"integer"},"selector":{"type":"string"}}})";

TEST_F(CustomTest, ServesAKindOnceItIsDefined) {
  EXPECT_EQ(server_.get(kWidgets)->status, 404);
  const auto made = define(widget_definition(kSpec));
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("status", "storedVersions"), R"(["v1"])");
  EXPECT_EQ(made->at("spec", "names", "listKind"), "WidgetList");
  const auto list = server_.get(kWidgets);
  ASSERT_EQ(list->status, 200) << list->body;
  EXPECT_EQ(list->at("kind"), "WidgetList");
  const auto definition = server_.get(std::string(kDefinitions) + "/widgets.example.com");
  EXPECT_EQ(definition->at("status", "acceptedNames", "plural"), "widgets");
  EXPECT_NE(definition->body.find(R"("type":"Established","status":"True")"), std::string::npos)
      << definition->body;
  EXPECT_NE(server_.get("/apis/example.com/v1")->body.find(R"("shortNames":["wd"])"),
            std::string::npos);
}

TEST_F(CustomTest, PrunesDefaultsAndStores) {
  define(widget_definition(kSpec));
  const auto made =
      make("a", R"("spec":{"size":3,"unknown":1,"port":"http","free":{"x":{"y":1}}},"extra":true)");
  ASSERT_EQ(made->status, 201) << made->body;
  EXPECT_EQ(made->at("spec", "color"), "red");
  EXPECT_EQ(made->at("spec", "unknown"), "");
  EXPECT_EQ(made->at("extra"), "");
  EXPECT_EQ(made->at("spec", "free", "x", "y"), "1");
  EXPECT_EQ(made->at("metadata", "generation"), "1");
  EXPECT_EQ(get("a")->at("spec", "port"), "http");
  const auto strict = server_.post(
      std::string(kWidgets) + "?fieldValidation=Strict",
      R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"s","foo":1},)"
      R"("spec":{"size":3,"unknown":1}})");
  EXPECT_EQ(strict->status, 400);
  EXPECT_EQ(strict->message(),
            "Widget in version \"v1\" cannot be handled as a Widget: strict decoding error: "
            "unknown field \"metadata.foo\", unknown field \"spec.unknown\"");
}

TEST_F(CustomTest, SaysWhatIsWrongInTheWordsOfKubernetes) {
  define(widget_definition(kSpec));
  const auto wrong = make(
      "a", R"("spec":{"size":11,"color":"green","name":"Toolong","tags":["x","x"],"port":true})");
  ASSERT_EQ(wrong->status, 422) << wrong->body;
  for (
      const char* text :
      {R"(spec.size: Invalid value: 11: spec.size in body should be less than or equal to 10)",
       R"(spec.color: Unsupported value: "green": supported values: "red", "blue")",
       R"(spec.name: Too long: may not be more than 5 bytes)",
       R"(spec.tags[1]: Duplicate value: "x")",
       R"(spec.port: Invalid value: "boolean": spec.port in body must be of type integer,string: "boolean")"}) {
    EXPECT_NE(wrong->message().find(text), std::string::npos) << text << "\n" << wrong->message();
  }
  EXPECT_EQ(make("b", R"("spec":{})")->message(),
            "Widget.example.com \"b\" is invalid: spec.size: Required value");
  EXPECT_EQ(make("c", R"("spec":{"size":"x"})")->message(),
            "Widget.example.com \"c\" is invalid: spec.size: Invalid value: \"string\": spec.size "
            "in body must be of type integer: \"string\"");
}

TEST_F(CustomTest, ToleratesWhatWasWrongBefore) {
  define(widget_definition(R"("spec":{"type":"object","properties":{"size":{"type":"integer"},)"
                           R"("other":{"type":"integer"}}})"));
  ASSERT_EQ(make("a", R"("spec":{"size":50,"other":1})")->status, 201);
  const auto narrowed = server_.call(
      "PATCH", std::string(kDefinitions) + "/widgets.example.com",
      R"([{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/)"
      R"(size/maximum","value":10}])",
      "application/json-patch+json");
  ASSERT_EQ(narrowed->status, 200) << narrowed->body;
  settle();
  const std::string path = std::string(kWidgets) + "/a";
  EXPECT_EQ(server_.merge(path, R"({"spec":{"other":2}})")->status, 200);
  EXPECT_EQ(server_.merge(path, R"({"spec":{"size":51}})")->status, 422);
}

TEST_F(CustomTest, ShowsNewDefaultsOfWhatWasStoredBefore) {
  define(widget_definition(R"("spec":{"type":"object","properties":{"a":{"type":"integer"}}})"));
  ASSERT_EQ(make("a", R"("spec":{"a":1})")->status, 201);
  EXPECT_EQ(get("a")->at("spec", "b"), "");
  const auto widened = server_.call(
      "PATCH", std::string(kDefinitions) + "/widgets.example.com",
      R"([{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/)"
      R"(b","value":{"type":"integer","default":7}}])",
      "application/json-patch+json");
  ASSERT_EQ(widened->status, 200) << widened->body;
  settle();
  EXPECT_EQ(get("a")->at("spec", "b"), "7");
  EXPECT_NE(server_.get(kWidgets)->body.find(R"("b":7)"), std::string::npos);
}

TEST_F(CustomTest, CountsGenerationsOfAllButStatusAndMetadata) {
  define(widget_definition(kSpec, R"(,"subresources":{"status":{}})"));
  ASSERT_EQ(make("a", R"("spec":{"size":1},"status":{"phase":"No"})")->status, 201);
  const std::string path = std::string(kWidgets) + "/a";
  EXPECT_EQ(get("a")->at("status", "phase"), "");
  EXPECT_EQ(
      server_.merge(path + "/status", R"({"status":{"phase":"Up"},"spec":{"size":9}})")->status,
      200);
  EXPECT_EQ(get("a")->at("status", "phase"), "Up");
  EXPECT_EQ(get("a")->at("spec", "size"), "1");
  EXPECT_EQ(get("a")->at("metadata", "generation"), "1");
  EXPECT_EQ(server_.merge(path, R"({"spec":{"size":2},"status":{"phase":"Down"}})")->status, 200);
  EXPECT_EQ(get("a")->at("metadata", "generation"), "2");
  EXPECT_EQ(get("a")->at("status", "phase"), "Up");
  EXPECT_EQ(server_.merge(path + "/status", R"({"status":{"phase":3}})")->status, 422);
}

TEST_F(CustomTest, RefusesBodiesThatItCannotRead) {
  define(widget_definition(kSpec));
  ASSERT_EQ(make("a", R"("spec":{"size":1})")->status, 201);
  const auto strategic = server_.call("PATCH", std::string(kWidgets) + "/a", R"({"spec":{}})",
                                      "application/strategic-merge-patch+json");
  EXPECT_EQ(strategic->status, 415);
  EXPECT_EQ(strategic->message(),
            "the body of the request was in an unknown format - accepted media types include: "
            "application/json-patch+json, application/merge-patch+json, "
            "application/apply-patch+yaml");
  const auto protobuf =
      server_.call("POST", kWidgets, "k8s", "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(protobuf->status, 415);
  const auto blind = server_.put(std::string(kWidgets) + "/a",
                                 R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":)"
                                 R"({"name":"a"},"spec":{"size":2}})");
  EXPECT_EQ(blind->status, 422);
  EXPECT_EQ(blind->message(),
            "widgets.example.com \"a\" is invalid: metadata.resourceVersion: Invalid value: 0: "
            "must be specified for an update");
}

TEST_F(CustomTest, DeletesAllObjectsBeforeTheDefinitionGoes) {
  define(widget_definition(kSpec));
  ASSERT_EQ(make("a", R"("spec":{"size":1})")->status, 201);
  ASSERT_EQ(make("b", R"("spec":{"size":1})")->status, 201);
  const std::string path = std::string(kDefinitions) + "/widgets.example.com";
  ASSERT_EQ(server_.remove(path)->status, 200);
  const auto late = make("c", R"("spec":{"size":1})");
  settle();
  server_.executor().advance(std::chrono::seconds(3));
  EXPECT_EQ(server_.get(path)->status, 404) << server_.get(path)->body;
  EXPECT_EQ(server_.get(kWidgets)->status, 404);
  EXPECT_EQ(server_.store().count("example.com/widgets"), 0u);
}

TEST_F(CustomTest, ShowsColumnsAndVersions) {
  define(widget_definition(
      kSpec,
      R"(,"additionalPrinterColumns":[{"name":"Size","type":"integer","jsonPath":".spec.size"},)"
      R"({"name":"Phase","type":"string","jsonPath":".status.phase"}])"));
  ASSERT_EQ(make("a", R"("spec":{"size":4})")->status, 201);
  net::Request request;
  request.method = "GET";
  request.path = request.target = kWidgets;
  request.headers.set("accept", "application/json;as=Table;v=v1;g=meta.k8s.io");
  request.peer.certificate_common_name = "admin";
  request.peer.certificate_organizations = {"system:masters"};
  const auto table = server_.call(std::move(request));
  EXPECT_NE(table->body.find(R"("cells":["a",4,null])"), std::string::npos) << table->body;
}

}  // namespace
}  // namespace pinnace::apiserver
