#include <gtest/gtest.h>

#include "api/json.h"
#include "api/json_patch.h"
#include "api/merge_patch.h"
#include "api/schema.h"
#include "api/strategic_merge_patch.h"

namespace pinnace::api {
namespace {

std::string cause_of(const Error& error) {
  return error.causes.empty() ? error.message : error.causes[0].message;
}

std::string json_patch(std::string_view document, std::string_view patch) {
  Arena arena;
  Value value = parse_json(arena, document).value();
  const Value operations = parse_json(arena, patch).value();
  const Result<void> done = apply_json_patch(arena, value, operations);
  return done ? to_json_text(value)
              : std::to_string(done.error().code) + " " + cause_of(done.error());
}

TEST(JsonPatch, AppliesEveryOperation) {
  EXPECT_EQ(json_patch(R"({"a":1})", R"([{"op":"add","path":"/b","value":[1]}])"),
            R"({"a":1,"b":[1]})");
  EXPECT_EQ(json_patch(R"({"a":[1,3]})", R"([{"op":"add","path":"/a/1","value":2},)"
                                         R"({"op":"add","path":"/a/-","value":4}])"),
            R"({"a":[1,2,3,4]})");
  EXPECT_EQ(json_patch(R"({"a":1,"b":2})", R"([{"op":"remove","path":"/a"}])"), R"({"b":2})");
  EXPECT_EQ(json_patch(R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/0","value":{"x":null}}])"),
            R"({"a":[{"x":null},2]})");
  EXPECT_EQ(json_patch(R"({"a":{"x":1}})", R"([{"op":"copy","from":"/a","path":"/b"},)"
                                           R"({"op":"replace","path":"/b/x","value":2}])"),
            R"({"a":{"x":1},"b":{"x":2}})");
  EXPECT_EQ(json_patch(R"({"a":1})", R"([{"op":"move","from":"/a","path":"/b"}])"), R"({"b":1})");
  EXPECT_EQ(json_patch(R"({"a/b":{"~":1}})", R"([{"op":"test","path":"/a~1b/~0","value":1.0},)"
                                             R"({"op":"remove","path":"/a~1b/~0"}])"),
            R"({"a/b":{}})");
  EXPECT_EQ(json_patch("1", R"([{"op":"add","path":"","value":{}}])"), "{}");
}

TEST(JsonPatch, SaysWhatDoesNotApply) {
  EXPECT_EQ(json_patch("{}", R"([{"op":"test","path":"/a","value":1}])"),
            "422 testing value /a failed: test failed");
  EXPECT_EQ(json_patch("{}", R"([{"op":"replace","path":"/a/b","value":1}])"),
            "422 replace operation does not apply: doc is missing key: /a/b: missing value");
  EXPECT_EQ(json_patch("{}", R"([{"op":"add","path":"/a/b","value":1}])"),
            "422 add operation does not apply: doc is missing path: \"/a/b\": missing value");
  EXPECT_EQ(json_patch("{}", R"([{"op":"remove","path":"/a"}])"),
            "422 error in remove for path: '/a': Unable to remove nonexistent key: a");
  EXPECT_EQ(json_patch(R"({"a":[]})", R"([{"op":"add","path":"/a/1","value":1}])").substr(0, 3),
            "422");
  EXPECT_EQ(json_patch(R"({"a":{}})", R"([{"op":"move","from":"/a","path":"/a/b"}])").substr(0, 3),
            "422");
  for (const char* patch :
       {"{}", "[1]", R"([{"op":"add"}])", R"([{"op":"jump","path":"/a","value":1}])",
        R"([{"op":"add","path":"a","value":1}])", R"([{"op":"add","path":"/a"}])",
        R"([{"op":"copy","path":"/a"}])", R"([{"op":"remove","path":""}])"}) {
    EXPECT_EQ(json_patch("{}", patch).substr(0, 3), "400") << patch;
  }
}

TEST(JsonPatch, IsBounded) {
  std::string many = "[";
  for (int i = 0; i < 10'001; ++i) many += R"({"op":"add","path":"/a","value":1},)";
  many.back() = ']';
  EXPECT_EQ(json_patch("{}", many),
            "413 Request entity too large: The allowed maximum operations in a JSON patch is 10000, "
            "got 10001");
  std::string doubling =
      R"([{"op":"add","path":"/a","value":["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]},)";
  for (int i = 0; i < 60; ++i) doubling += R"({"op":"copy","from":"/a","path":"/a/-"},)";
  doubling.back() = ']';
  EXPECT_EQ(json_patch("{}", doubling).substr(0, 3), "413");
  std::string deep = R"([{"op":"add","path":"/a","value":{}},)";
  std::string path = "/a";
  for (int i = 0; i < 600; ++i) {
    path += "/a";
    deep += R"({"op":"add","path":")" + path + R"(","value":{}},)";
  }
  deep.back() = ']';
  EXPECT_EQ(json_patch("{}", deep).substr(0, 3), "400");
}

std::string merge_patch(std::string_view document, std::string_view patch) {
  Arena arena;
  Value value = parse_json(arena, document).value();
  apply_merge_patch(arena, value, parse_json(arena, patch).value());
  return to_json_text(value);
}

TEST(MergePatch, FollowsTheExamplesOfItsStandard) {
  const char* cases[][3] = {
      {R"({"a":"b"})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"b"})", R"({"b":"c"})", R"({"a":"b","b":"c"})"},
      {R"({"a":"b"})", R"({"a":null})", R"({})"},
      {R"({"a":"b","b":"c"})", R"({"a":null})", R"({"b":"c"})"},
      {R"({"a":["b"]})", R"({"a":"c"})", R"({"a":"c"})"},
      {R"({"a":"c"})", R"({"a":["b"]})", R"({"a":["b"]})"},
      {R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})", R"({"a":{"b":"d"}})"},
      {R"({"a":[{"b":"c"}]})", R"({"a":[1]})", R"({"a":[1]})"},
      {R"(["a","b"])", R"(["c","d"])", R"(["c","d"])"},
      {R"({"a":"b"})", R"(["c"])", R"(["c"])"},
      {R"({"a":"foo"})", "null", "null"},
      {R"({"e":null})", R"({"a":1})", R"({"e":null,"a":1})"},
      {R"([1,2])", R"({"a":"b","c":null})", R"({"a":"b"})"},
      {R"({})", R"({"a":{"bb":{"ccc":null}}})", R"({"a":{"bb":{}}})"},
  };
  for (const auto& [document, patch, wanted] : cases) {
    EXPECT_EQ(merge_patch(document, patch), wanted) << document << " " << patch;
  }
}

TEST(MergePatch, IsMadeFromADifference) {
  Arena arena;
  const std::string before = R"({"a":1,"b":{"c":2,"d":3},"e":[1]})";
  const std::string after = R"({"a":1,"b":{"c":5},"e":[2],"f":{}})";
  const Value patch =
      make_merge_patch(arena, parse_json(arena, before).value(), parse_json(arena, after).value());
  EXPECT_EQ(to_json_text(patch), R"({"b":{"c":5,"d":null},"e":[2],"f":{}})");
  EXPECT_EQ(merge_patch(before, to_json_text(patch)), after);
}

TEST(MergePatch, IsNotQuadraticInTheMembers) {
  std::string document = "{";
  std::string patch = "{";
  for (int i = 0; i < 100'000; ++i) {
    document += '"' + std::to_string(i) + "\":1,";
    patch += '"' + std::to_string(99'999 - i) + "\":null,";
  }
  document.back() = '}';
  patch.back() = '}';
  EXPECT_EQ(merge_patch(document, patch), "{}");
}

std::string strategic(std::string_view kind, std::string_view document, std::string_view patch,
                      std::string_view group = "") {
  Arena arena;
  Value value = parse_json(arena, document).value();
  const TypeInfo* type = builtin_schema().find_type(group, "v1", kind);
  if (type == nullptr) return "no such type";
  const Value change = parse_json(arena, patch).value();
  const std::string patch_text = to_json_text(change);
  const Result<void> done = apply_strategic_merge_patch(arena, value, change, *type);
  EXPECT_EQ(to_json_text(change), patch_text);
  return done ? to_json_text(value)
              : std::to_string(done.error().code) + " " + cause_of(done.error());
}

TEST(StrategicMergePatch, MergesMapsAndRemovesNulls) {
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"name":"p","labels":{"a":"1","b":"2"}}})",
                      R"({"metadata":{"labels":{"b":null,"c":"3"},"annotations":{"x":null}}})"),
            R"({"metadata":{"name":"p","labels":{"a":"1","c":"3"},"annotations":{}}})");
}

TEST(StrategicMergePatch, MergesListsByKey) {
  EXPECT_EQ(
      strategic("Pod",
                R"({"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"y"}]}})",
                R"({"spec":{"containers":[{"name":"b","image":"z"}]}})"),
      R"({"spec":{"containers":[{"name":"a","image":"x"},{"name":"b","image":"z"}]}})");
  EXPECT_EQ(
      strategic("Pod", R"({"spec":{"containers":[{"name":"a","env":[{"name":"X","value":"1"}]}]}})",
                R"({"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"}],)"
                R"("args":["n"]}]}})"),
      R"({"spec":{"containers":[{"name":"a","env":[{"name":"Y","value":"2"},)"
      R"({"name":"X","value":"1"}],"args":["n"]}]}})");
}

TEST(StrategicMergePatch, ReplacesListsWithoutAMergeKey) {
  EXPECT_EQ(strategic("Pod", R"({"spec":{"containers":[{"name":"a","args":["1","2"]}]}})",
                      R"({"spec":{"containers":[{"name":"a","args":["3"]}]}})"),
            R"({"spec":{"containers":[{"name":"a","args":["3"]}]}})");
}

TEST(StrategicMergePatch, DeletesAndReplacesByDirective) {
  EXPECT_EQ(strategic("Pod", R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
                      R"({"spec":{"containers":[{"$patch":"delete","name":"a"}]}})"),
            R"({"spec":{"containers":[{"name":"b"}]}})");
  EXPECT_EQ(strategic("Pod", R"({"spec":{"containers":[{"name":"a"},{"name":"b"}]}})",
                      R"({"spec":{"containers":[{"name":"c"},{"$patch":"replace"}]}})"),
            R"({"spec":{"containers":[{"name":"c"}]}})");
  EXPECT_EQ(
      strategic("Pod", R"({"spec":{"nodeSelector":{"a":"1"},"securityContext":{"runAsUser":1}}})",
                R"({"spec":{"nodeSelector":{"$patch":"replace","b":"2"},)"
                R"("securityContext":{"$patch":"delete"}}})"),
      R"({"spec":{"nodeSelector":{"b":"2"},"securityContext":{}}})");
}

TEST(StrategicMergePatch, KeepsTheOrderThatWasAskedFor) {
  EXPECT_EQ(
      strategic(
          "Pod", R"({"spec":{"containers":[{"name":"a"},{"name":"side"},{"name":"b"}]}})",
          R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"a"},{"name":"n"}],)"
          R"("containers":[{"name":"n","image":"x"}]}})"),
      R"({"spec":{"containers":[{"name":"side"},{"name":"b"},{"name":"a"},{"name":"n","image":"x"}]}})");
}

TEST(StrategicMergePatch, HandlesListsOfPrimitives) {
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"finalizers":["a","b","c"]}})",
                      R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["b"],)"
                      R"("$setElementOrder/finalizers":["c","a","d"],"finalizers":["d","a"]}})"),
            R"({"metadata":{"finalizers":["c","a","d"]}})");
}

TEST(StrategicMergePatch, RetainsOnlyTheKeysNamed) {
  EXPECT_EQ(
      strategic("Deployment",
                R"({"spec":{"strategy":{"type":"RollingUpdate","rollingUpdate":{"maxSurge":1}}}})",
                R"({"spec":{"strategy":{"$retainKeys":["type"],"type":"Recreate"}}})", "apps"),
      R"({"spec":{"strategy":{"type":"Recreate"}}})");
}

TEST(StrategicMergePatch, MergesServicePortsByPort) {
  EXPECT_EQ(strategic("Service", R"({"spec":{"ports":[{"port":80,"nodePort":30000}]}})",
                      R"({"spec":{"ports":[{"port":80,"targetPort":"http"},{"port":81}]}})"),
            R"({"spec":{"ports":[{"port":80,"nodePort":30000,"targetPort":"http"},{"port":81}]}})");
}

TEST(StrategicMergePatch, NeverStoresDirectivesOfNewValues) {
  EXPECT_EQ(strategic("Pod", R"({})",
                      R"({"spec":{"$setElementOrder/containers":[{"name":"a"}],"containers":)"
                      R"([{"name":"a","x":null},{"$patch":"delete","name":"z"}]}})"),
            R"({"spec":{"containers":[{"name":"a"}]}})");
}

TEST(StrategicMergePatch, NamesBadPatches) {
  EXPECT_EQ(strategic("Pod", R"({"spec":{"containers":[{"name":"a"}]}})",
                      R"({"spec":{"containers":[{"image":"x"}]}})"),
            R"(422 map: {"image":"x"} does not contain declared merge key: name)");
  EXPECT_EQ(strategic("Pod", "{}", R"({"$patch":"burn"})"),
            R"(422 unknown patch type: burn in map: {"$patch":"burn"})");
  EXPECT_EQ(strategic("Pod", "{}", R"({"metadata":{"$retainKeys":1}})"),
            "400 invalid patch format of retainKeys");
  EXPECT_EQ(strategic("Pod", "{}", R"({"metadata":{"$deleteFromPrimitiveList/x":[1]}})"),
            "400 invalid patch format of primitive list");
  EXPECT_EQ(strategic("Pod", "{}", "[]").substr(0, 3), "400");
}

}  // namespace
}  // namespace pinnace::api
