#include <map>

#include "apiserver/custom/custom_testing.h"

namespace pinnace::apiserver {
namespace {

using testing::CustomTest;
using testing::kDefinitions;
using testing::kWidgets;
using testing::widget_definition;

constexpr char kPath[] =
    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com";

class DefinitionsTest : public CustomTest {
 protected:
  void expect_refused(const std::string& definition, std::initializer_list<const char*> texts) {
    const auto answer = server_.post(kDefinitions, definition);
    EXPECT_EQ(answer->status, 422) << answer->body;
    for (const char* text : texts) {
      EXPECT_NE(answer->message().find(text), std::string::npos) << text << "\n"
                                                                 << answer->message();
    }
  }
  void expect_schema_refused(std::string_view properties,
                             std::initializer_list<const char*> texts) {
    expect_refused(widget_definition(properties), texts);
  }
  std::string condition(std::string_view path, std::string_view type) {
    const auto answer = server_.get(path);
    const auto* list = answer->json().find_path({"status", "conditions"});
    if (list == nullptr) return "";
    for (const auto& item : list->items()) {
      if (item.string_at("type") == type) {
        return std::string(item.string_at("status")) + " " + std::string(item.string_at("reason"));
      }
    }
    return "";
  }
};

TEST_F(DefinitionsTest, DemandStructure) {
  expect_schema_refused(R"("spec":{"properties":{"a":{"type":"string"}}})",
                        {"spec.validation.openAPIV3Schema.properties[spec].type: Required "
                         "value: must not be empty for specified object fields"});
  expect_schema_refused(
      R"("spec":{"type":"array","items":{}})",
      {"properties[spec].items.type: Required value: must not be empty for specified array items"});
  expect_schema_refused(
      R"("spec":{"type":"object"}},"anyOf":[{"properties":{"b":{"minimum":1}}},{"type":"string"}],)"
      R"("not":{"required":["x"])",
      {"anyOf[1].type: Forbidden: must be empty to be structural",
       "properties[b]: Required value: because it is defined in "
       "spec.validation.openAPIV3Schema.anyOf[0].properties[b]"});
  expect_schema_refused(
      R"("metadata":{"type":"object","properties":{"labels":{"type":"object"}}})",
      {"properties[metadata]: Forbidden: must not specify anything other than name and "
       "generateName, but metadata is implicitly specified"});
}

TEST_F(DefinitionsTest, RefuseWhatSchemasMayNotSay) {
  expect_schema_refused(
      R"("spec":{"type":"object","additionalProperties":false,"uniqueItems":true,)"
      R"("patternProperties":{"a":{"type":"string"}},"properties":{"x":{"type":"text"}}})",
      {"additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive",
       "uniqueItems: Forbidden: uniqueItems cannot be set to true",
       "patternProperties: Forbidden: patternProperties is not supported",
       R"(properties[x].type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string")"});
  expect_schema_refused(
      R"("spec":{"type":"object","properties":{"p":{"type":"string","pattern":"("}}})",
      {"properties[p].pattern: Invalid value: \"(\": must be a valid regular expression, but "
       "isn't"});
  expect_schema_refused(
      R"("l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k","n"],)"
      R"("items":{"type":"object","properties":{"k":{"type":"string"}}}})",
      {"items.properties[k].default: Required value: this property is in "
       "x-kubernetes-list-map-keys, so it must have a default or be a required property",
       "x-kubernetes-list-map-keys: Invalid value: [\"k\",\"n\"]: entries must all be names of "
       "item "
       "properties"});
  expect_schema_refused(
      R"("spec":{"type":"object","properties":{"a":{"type":"integer","default":"x"},)"
      R"("b":{"type":"object","properties":{"c":{"type":"string"}},"default":{"d":1}}}})",
      {"properties[a].default: Invalid value: \"string\"",
       "properties[b].default: Invalid value: {\"d\":1}: must not have unknown fields"});
}

TEST_F(DefinitionsTest, DemandNamesAndOneStoredVersion) {
  std::string other = widget_definition("");
  other.replace(other.find("widgets.example.com"), 19, "gadgets.example.com");
  expect_refused(other, {"metadata.name: Invalid value: \"gadgets.example.com\": must be "
                         "spec.names.plural+\".\"+spec.group"});
  std::string unstored = widget_definition("");
  unstored.replace(unstored.find(R"("storage":true)"), 14, R"("storage":false)");
  expect_refused(unstored, {"must have exactly one version marked as storage version",
                            "status.storedVersions: Invalid value"});
  std::string official = widget_definition("");
  for (auto at = official.find("example.com"); at != std::string::npos;
       at = official.find("example.com")) {
    official.replace(at, 11, "x.k8s.io");
  }
  expect_refused(official,
                 {"metadata.annotations[api-approved.kubernetes.io]: Required value: protected "
                  "groups must have approval annotation \"api-approved.kubernetes.io\", see "
                  "https://github.com/kubernetes/enhancements/pull/1111"});
  expect_refused(
      widget_definition("", R"(,"additionalPrinterColumns":[{"name":"A","type":"t",)"
                            R"("jsonPath":"spec"}],"subresources":{"scale":)"
                            R"({"specReplicasPath":".status.a","statusReplicasPath":""}})"),
      {"additionalPrinterColumns[0].type: Invalid value: \"t\": must be one of "
       "boolean,date,integer,number,string",
       "JSONPath: Invalid value: \"spec\": must be a simple json path starting with .",
       "scale.specReplicasPath: Invalid value: \".status.a\": should be a json path "
       "under .spec",
       "scale.statusReplicasPath: Required value"});
}

TEST_F(DefinitionsTest, KeepWhatCannotChange) {
  ASSERT_EQ(define(widget_definition(""))->status, 201);
  const auto scope = server_.merge(kPath, R"({"spec":{"scope":"Cluster"}})");
  EXPECT_EQ(scope->status, 422);
  EXPECT_NE(scope->message().find("spec.scope: Invalid value: \"Cluster\": field is immutable"),
            std::string::npos)
      << scope->message();
  const auto version = server_.call(
      "PATCH", kPath, R"([{"op":"replace","path":"/spec/versions/0/name","value":"v2"}])",
      "application/json-patch+json");
  EXPECT_EQ(version->status, 422);
  EXPECT_NE(version->message().find(
                "status.storedVersions[0]: Invalid value: \"v1\": missing from spec.versions; v1 "
                "was previously a storage version"),
            std::string::npos)
      << version->message();
}

TEST_F(DefinitionsTest, ShareNoNames) {
  ASSERT_EQ(define(widget_definition(""))->status, 201);
  std::string other = widget_definition("");
  for (const auto& [from, to] :
       {std::pair<std::string, std::string>{"widgets", "gadgets"}, {"\"Widget\"", "\"Gadget\""}}) {
    for (auto at = other.find(from); at != std::string::npos; at = other.find(from)) {
      other.replace(at, from.size(), to);
    }
  }
  ASSERT_EQ(define(other)->status, 201);
  const std::string path = std::string(kDefinitions) + "/gadgets.example.com";
  EXPECT_EQ(condition(path, "NamesAccepted"), "False ShortNamesConflict");
  EXPECT_EQ(condition(path, "Established"), "False NotAccepted");
  EXPECT_EQ(server_.get("/apis/example.com/v1/gadgets")->status, 404);
  server_.remove(kPath);
  settle();
  server_.executor().advance(std::chrono::seconds(2));
  EXPECT_EQ(condition(path, "NamesAccepted"), "True NoConflicts");
  EXPECT_EQ(server_.get("/apis/example.com/v1/gadgets")->status, 200);
}

TEST_F(DefinitionsTest, OfOldNeedNoSchema) {
  const auto made = server_.post(
      "/apis/apiextensions.k8s.io/v1beta1/customresourcedefinitions",
      R"({"apiVersion":"apiextensions.k8s.io/v1beta1","kind":"CustomResourceDefinition",)"
      R"("metadata":{"name":"olds.example.com"},"spec":{"group":"example.com","version":"v1",)"
      R"("names":{"plural":"olds","kind":"Old"},"validation":{"openAPIV3Schema":{"properties":)"
      R"({"spec":{"properties":{"n":{"type":"integer","minimum":1}}}}}}}})");
  ASSERT_EQ(made->status, 201) << made->body;
  settle();
  const std::string path = "/apis/example.com/v1/namespaces/default/olds";
  const auto kept =
      server_.post(path, R"({"apiVersion":"example.com/v1","kind":"Old","metadata":{"name":"a"},)"
                         R"("spec":{"n":1,"more":{"x":2}}})");
  ASSERT_EQ(kept->status, 201) << kept->body;
  EXPECT_EQ(kept->at("spec", "more", "x"), "2");
  EXPECT_EQ(server_
                .post(path, R"({"apiVersion":"example.com/v1","kind":"Old",)"
                            R"("metadata":{"name":"b"},"spec":{"n":0}})")
                ->status,
            422);
}

TEST_F(DefinitionsTest, AppearInOpenApi) {
  define(widget_definition(
      R"("spec":{"type":"object","description":"What it is.","properties":{"a":{"type":"string"}}})"));
  const auto index = server_.get("/openapi/v3");
  EXPECT_NE(index->body.find("apis/example.com/v1"), std::string::npos);
  const auto document = server_.get("/openapi/v3/apis/example.com/v1");
  ASSERT_EQ(document->status, 200);
  EXPECT_EQ(document->at("components", "schemas", "com.example.v1.Widget", "properties", "spec",
                         "description"),
            "What it is.");
  EXPECT_NE(document->body.find("/apis/example.com/v1/namespaces/{namespace}/widgets/{name}"),
            std::string::npos);
  EXPECT_EQ(document->body.find("application/strategic-merge-patch+json"), std::string::npos)
      << "clients take it from here which patches they may send";
  EXPECT_NE(server_.get("/openapi/v2")->body.find("com.example.v1.Widget"), std::string::npos);
}

TEST_F(CustomTest, AsksRulesAboutObjectsAndTheirChanges) {
  const auto defined = define(widget_definition(
      R"("spec":{"type":"object","properties":{"min":{"type":"integer"},"max":{"type":"integer"},)"
      R"("name":{"type":"string","maxLength":20,"x-kubernetes-validations":[{"rule":)"
      R"("self == oldSelf","message":"name is immutable"}]}},)"
      R"("x-kubernetes-validations":[{"rule":"self.min <= self.max","messageExpression":)"
      R"("'min is larger than that of ' + self.name ","fieldPath":".min"}]})"));
  ASSERT_EQ(defined->status, 201) << defined->body;
  const auto wrong = make("a", R"("spec":{"min":3,"max":2,"name":"x"})");
  EXPECT_EQ(wrong->status, 422);
  EXPECT_EQ(
      wrong->message(),
      "Widget.example.com \"a\" is invalid: spec.min: Invalid value: min is larger than that of x");
  ASSERT_EQ(make("b", R"("spec":{"min":1,"max":2,"name":"x"})")->status, 201);
  const std::string path = std::string(kWidgets) + "/b";
  EXPECT_EQ(server_.merge(path, R"({"spec":{"name":"y"}})")->message(),
            "Widget.example.com \"b\" is invalid: spec.name: Invalid value: \"y\": name is "
            "immutable");
  EXPECT_EQ(server_.merge(path, R"({"spec":{"max":5}})")->status, 200);
}

TEST_F(DefinitionsTest, RefuseRulesThatDoNotCompileOrCostTooMuch) {
  expect_schema_refused(
      R"("spec":{"type":"object","properties":{"a":{"type":"integer"}},"x-kubernetes-validations":)"
      R"([{"rule":"self.b > 1"}]})",
      {"properties[spec].x-kubernetes-validations[0].rule: Invalid value: {\"Rule\":\"self.b "
       "\\u003e 1\",\"Message\":\"\",\"MessageExpression\":\"\",\"Reason\":null,\"FieldPath\":\"\","
       "\"OptionalOldSelf\":null}: compilation failed: ERROR: "});
  expect_schema_refused(
      R"("l":{"type":"array","items":{"type":"array","items":{"type":"string"}},)"
      R"~("x-kubernetes-validations":[{"rule":"self.all(x, x.all(y, y.contains(y)))"}]})~",
      {"x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds budget by factor "
       "of more than 100x"});
}

TEST_F(DefinitionsTest, RefuseRulesBelowAllOfAndItsLike) {
  const std::string rules = R"({"x-kubernetes-validations":[{"rule":"true"}]})";
  const std::string why = ".x-kubernetes-validations: Forbidden: must be empty to be structural";
  for (const std::string keyword : {"allOf", "anyOf", "oneOf"}) {
    const std::string expected = "properties[spec]." + keyword + "[0]" + why;
    expect_schema_refused(R"("spec":{"type":"string",")" + keyword + "\":[" + rules + "]}",
                          {expected.c_str()});
  }
  const std::string expected = "properties[spec].not.properties[a]" + why;
  expect_schema_refused(
      R"("spec":{"type":"object","properties":{"a":{"type":"string"}},"not":{"properties":{"a":)" +
          rules + "}}}",
      {expected.c_str()});
}

TEST_F(CustomTest, ScalesByThePathsOfTheDefinition) {
  define(widget_definition(
      R"("spec":{"type":"object","properties":{"size":{"type":"integer"}}},)"
      R"("status":{"type":"object","properties":{"size":{"type":"integer"},"selector":)"
      R"({"type":"string"}}})",
      R"(,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.size",)"
      R"("statusReplicasPath":".status.size","labelSelectorPath":".status.selector"}})"));
  ASSERT_EQ(make("a", R"("spec":{"size":2})")->status, 201);
  const std::string path = std::string(kWidgets) + "/a";
  server_.merge(path + "/status", R"({"status":{"size":1,"selector":"a=b"}})");
  const auto scale = server_.get(path + "/scale");
  EXPECT_EQ(scale->at("spec", "replicas"), "2");
  EXPECT_EQ(scale->at("status", "replicas"), "1");
  EXPECT_EQ(scale->at("status", "selector"), "a=b");
  EXPECT_EQ(server_.merge(path + "/scale", R"({"spec":{"replicas":5}})")->status, 200);
  EXPECT_EQ(get("a")->at("spec", "size"), "5");
  EXPECT_EQ(get("a")->at("metadata", "generation"), "2");
}

TEST_F(CustomTest, WhoAppliesTheScaleManagesReplicasWhereTheDefinitionHasThem) {
  define(
      widget_definition(R"("spec":{"type":"object","properties":{"size":{"type":"integer"}}},)"
                        R"("status":{"type":"object","properties":{"size":{"type":"integer"}}})",
                        R"(,"subresources":{"status":{},"scale":{"specReplicasPath":".spec.size",)"
                        R"("statusReplicasPath":".status.size"}})"));
  const std::string path = std::string(kWidgets) + "/a";
  const auto apply = [&](const std::string& target, std::string_view body) {
    return server_.call("PATCH", target, body, "application/apply-patch+yaml");
  };
  const auto managers = [&] {
    std::map<std::string, std::string> fields;
    const auto answer = get("a");
    const auto* entries = answer->json().find_path({"metadata", "managedFields"});
    for (const auto& entry : entries->items()) {
      fields[std::string(entry.string_at("manager")) + "/" +
             std::string(entry.string_at("subresource"))] =
          api::to_json_text(*entry.find("fieldsV1"));
    }
    return fields;
  };
  const std::string widget =
      R"({"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"},)"
      R"("spec":{"size":2}})";
  const std::string scale =
      R"({"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"a"},)"
      R"("spec":{"replicas":5}})";
  const std::string size = R"({"f:spec":{"f:size":{}}})";
  ASSERT_EQ(apply(path + "?fieldManager=one", widget)->status, 201);
  const auto refused = apply(path + "/scale?fieldManager=two", scale);
  EXPECT_EQ(refused->status, 409) << refused->body;
  EXPECT_NE(refused->message().find("\"one\": .spec.replicas"), std::string::npos)
      << refused->message();
  EXPECT_EQ(apply(path + "/scale?fieldManager=two&force=true", scale)->status, 200);
  EXPECT_EQ(get("a")->at("spec", "size"), "5");
  EXPECT_EQ(managers(), (std::map<std::string, std::string>{{"two/scale", size}}));
  // The other way round, what the scale's manager holds is in the way of the object's.
  const auto back = apply(path + "?fieldManager=one", widget);
  EXPECT_EQ(back->status, 409);
  EXPECT_NE(back->message().find(".spec.size"), std::string::npos) << back->message();
}

TEST_F(CustomTest, ShowsAnObjectInEveryServedVersion) {
  std::string definition =
      widget_definition(R"("spec":{"type":"object","properties":{"a":{"type":"string"}}})");
  const std::string more =
      R"({"name":"v1beta1","served":true,"storage":false,"deprecated":true,"schema":)"
      R"({"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":)"
      R"({"a":{"type":"string"},"b":{"type":"string","default":"new"}}}}}}},)";
  definition.insert(definition.find(R"({"name":"v1")"), more);
  ASSERT_EQ(define(definition)->status, 201);
  ASSERT_EQ(make("a", R"("spec":{"a":"x"})")->status, 201);
  const auto old = server_.get("/apis/example.com/v1beta1/namespaces/default/widgets/a");
  EXPECT_EQ(old->at("apiVersion"), "example.com/v1beta1");
  EXPECT_EQ(old->at("spec", "b"), "");  // Only the stored version fills in what is not there.
  EXPECT_EQ(old->headers.get("warning"),
            "299 - \"example.com/v1beta1 Widget is deprecated; use example.com/v1 Widget\"");
  EXPECT_EQ(get("a")->at("apiVersion"), "example.com/v1");
}

TEST_F(CustomTest, EndsWatchesOfAKindThatGoes) {
  define(widget_definition(""));
  const auto watch = server_.get(std::string(kWidgets) + "?watch=true");
  ASSERT_EQ(make("a", "")->status, 201);
  watch->pull();
  EXPECT_NE(watch->body.find(R"("type":"ADDED")"), std::string::npos);
  server_.remove(kPath);
  settle();
  server_.executor().advance(std::chrono::seconds(3));
  watch->pull();
  EXPECT_TRUE(watch->ended);
}

TEST_F(CustomTest, SelectsByFieldsThatTheDefinitionNames) {
  define(widget_definition(R"("spec":{"type":"object","properties":{"color":{"type":"string"}}})",
                           R"(,"selectableFields":[{"jsonPath":".spec.color"}])"));
  make("a", R"("spec":{"color":"red"})");
  make("b", R"("spec":{"color":"blue"})");
  const auto list = server_.get(std::string(kWidgets) + "?fieldSelector=spec.color%3Dblue");
  EXPECT_NE(list->body.find(R"("name":"b")"), std::string::npos);
  EXPECT_EQ(list->body.find(R"("name":"a")"), std::string::npos);
  EXPECT_EQ(server_.get(std::string(kWidgets) + "?fieldSelector=spec.other%3D1")->status, 400);
}

}  // namespace
}  // namespace pinnace::apiserver
