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
  EXPECT_EQ(json_patch(R"({"a":1})", R"([{"op":"replace","path":"","value":{}}])"), "{}");
}

TEST(JsonPatch, TakesWhatKubernetesTakesBeyondTheStandard) {
  const char* cases[][3] = {
      {R"({"a":[1,2]})", R"([{"op":"remove","path":"/a/-1"}])", R"({"a":[1]})"},
      {R"({"a":[1,2]})", R"([{"op":"replace","path":"/a/-2","value":9}])", R"({"a":[9,2]})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-1","value":3}])", R"({"a":[1,2,3]})"},
      {R"({"a":[1,2]})", R"([{"op":"add","path":"/a/-2","value":3}])", R"({"a":[1,3,2]})"},
      {R"({"a":[{"b":1}]})", R"([{"op":"test","path":"/a/-1/b","value":1}])", R"({"a":[{"b":1}]})"},
      {R"({"a":[1,2]})", R"([{"op":"test","path":"/a/+01","value":2}])", R"({"a":[1,2]})"},
      {R"({"a":{}})", R"([{"op":"replace","path":"/a/b","value":1}])", R"({"a":{"b":1}})"},
      {R"({"a":{}})", R"([{"op":"copy","from":"/a/b","path":"/a/c"}])", R"({"a":{"c":null}})"},
      {R"({"a":1})", R"([{"op":"add","path":"/b"}])", R"({"a":1,"b":null})"},
      {R"({"a":1})", R"([{"op":"test","path":"/b"}])", R"({"a":1})"},
      {R"({"a":{"b":1}})", R"([{"op":"remove","path":"x/a/b"}])", R"({"a":{}})"},
      {R"({"a":1})", "null", R"({"a":1})"},
  };
  for (const auto& [document, patch, wanted] : cases) {
    EXPECT_EQ(json_patch(document, patch), wanted) << document << " " << patch;
  }
}

TEST(JsonPatch, SaysWhatDoesNotApply) {
  const char* cases[][2] = {
      {R"({"op":"test","path":"/a","value":1})", "testing value /a failed: test failed"},
      {R"({"op":"test","path":"/a/b"})",
       "test operation does not apply: is missing path: /a/b: missing value"},
      {R"({"op":"replace","path":"/a/b","value":1})",
       "replace operation does not apply: doc is missing path: /a/b: missing value"},
      {R"({"op":"replace","path":"/l/1","value":1})",
       "replace operation does not apply: doc is missing key: /l/1: missing value"},
      {R"({"op":"replace","path":"","value":7})",
       "replace operation value must be object or array"},
      {R"({"op":"add","path":"/a/b","value":1})",
       "add operation does not apply: doc is missing path: \"/a/b\": missing value"},
      {R"({"op":"add","path":"","value":{}})",
       "add operation does not apply: doc is missing path: \"\": missing value"},
      {R"({"op":"add","path":"/l/2","value":1})",
       "error in add for path: '/l/2': Unable to access invalid index: 2: invalid index "
       "referenced"},
      {R"({"op":"add","path":"/l/-3","value":1})",
       "error in add for path: '/l/-3': Unable to access invalid index: -3: invalid index "
       "referenced"},
      {R"({"op":"add","path":"/l/x","value":1})",
       "error in add for path: '/l/x': value was not a proper array index: 'x': strconv.Atoi: "
       "parsing \"x\": invalid syntax"},
      {R"({"op":"remove","path":"/a"})",
       "error in remove for path: '/a': Unable to remove nonexistent key: a: missing value"},
      {R"({"op":"remove","path":""})",
       "remove operation does not apply: doc is missing path: \"\": missing value"},
      {R"({"op":"move","from":"/a","path":"/b"})",
       "error in move for path: 'a': Unable to remove nonexistent key: a: missing value"},
      {R"({"op":"move","from":"/o","path":"/o/b"})",
       "move operation does not apply: doc is missing destination path: /o/b: missing value"},
      {R"({"op":"copy","path":"/a"})",
       "copy operation failed to decode from: operation, missing from field: missing value"},
      {R"({"op":"copy","from":"/l/1","path":"/a"})",
       "error in copy for from: '/l/1': Unable to access invalid index: 1: invalid index "
       "referenced"},
      {R"({"op":"add"})", "add operation failed to decode path: missing value"},
      {R"({"op":"jump","path":"/a","value":1})", "Unexpected kind: jump"},
      {"null", "Unexpected kind: unknown"},
  };
  for (const auto& [operation, why] : cases) {
    EXPECT_EQ(json_patch(R"({"l":[0],"o":{}})", "[" + std::string(operation) + "]"),
              "422 " + std::string(why));
  }
  for (const char* patch : {"{}", "[1]"}) {
    EXPECT_EQ(json_patch("{}", patch).substr(0, 3), "400") << patch;
  }
}

TEST(JsonPatch, IsBounded) {
  std::string many = "[";
  for (int i = 0; i < 10'001; ++i) many += R"({"op":"add","path":"/a","value":1},)";
  many.back() = ']';
  EXPECT_EQ(
      json_patch("{}", many),
      "413 Request entity too large: The allowed maximum operations in a JSON patch is 10000, "
      "got 10001");
  std::string doubling =
      R"([{"op":"add","path":"/a","value":["xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"]},)";
  for (int i = 0; i < 60; ++i) doubling += R"({"op":"copy","from":"/a","path":"/a/-"},)";
  doubling.back() = ']';
  EXPECT_EQ(json_patch("{}", doubling).substr(0, 36), "422 Unable to complete the copy, the");
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
      // Kubernetes takes nulls out of the objects in a list, too, unless it replaces an object.
      {R"({})", R"({"a":[null,{"b":null,"c":[{"d":null}]}]})", R"({"a":[null,{"c":[{}]}]})"},
      {R"({"a":1})", R"({"a":[{"b":null}]})", R"({"a":[{}]})"},
      {R"({"a":{}})", R"({"a":[{"b":null}]})", R"({"a":[{"b":null}]})"},
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

TEST(StrategicMergePatch, ReplacesAMapThatIsToBe) {
  EXPECT_EQ(strategic("PodDisruptionBudget",
                      R"({"spec":{"selector":{"matchLabels":{"a":"1"}},"maxUnavailable":2}})",
                      R"({"spec":{"selector":{"matchLabels":{"b":"2"}}}})", "policy"),
            R"({"spec":{"selector":{"matchLabels":{"b":"2"}},"maxUnavailable":2}})");
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
                      R"("$setElementOrder/finalizers":["c","a","d"],"finalizers":["a","d"]}})"),
            R"({"metadata":{"finalizers":["c","a","d"]}})");
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"finalizers":["a","a","b"]}})",
                      R"({"metadata":{"finalizers":["c"]}})"),
            R"({"metadata":{"finalizers":["c","a","b"]}})");
  // What is deleted goes last, wherever it came from.
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"finalizers":["a"]}})",
                      R"({"metadata":{"$deleteFromPrimitiveList/finalizers":["b","a"],)"
                      R"("$setElementOrder/finalizers":["b"],"finalizers":["b"]}})"),
            R"({"metadata":{"finalizers":[]}})");
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"finalizers":["a"]}})",
                      R"({"metadata":{"$deleteFromPrimitiveList/finalizers":null}})"),
            R"({"metadata":{}})");
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

TEST(StrategicMergePatch, GivesNewElementsThePlacesOfDeletedOnes) {
  EXPECT_EQ(strategic("Pod", R"({"spec":{"containers":[{"name":"a"},{"name":"b"},{"name":"d"}]}})",
                      R"({"spec":{"$setElementOrder/containers":[{"name":"b"},{"name":"c"}],)"
                      R"("containers":[{"name":"c"},{"name":"a","$patch":"delete"}]}})"),
            R"({"spec":{"containers":[{"name":"b"},{"name":"d"},{"name":"c"}]}})");
}

TEST(StrategicMergePatch, OrdersListsThatItDoesNotMerge) {
  EXPECT_EQ(strategic("Pod", R"({"spec":{"containers":[{"name":"a","args":["1","2"]}]}})",
                      R"({"spec":{"containers":[{"name":"a","args":["3","4"],)"
                      R"("$setElementOrder/args":["3","4"]}]}})"),
            R"({"spec":{"containers":[{"name":"a","args":["3","4"]}]}})");
}

TEST(StrategicMergePatch, LooksAtDirectivesOnlyWhereItMerges) {
  // Nothing is there to be replaced or deleted: then nothing is added.
  EXPECT_EQ(strategic("Pod", R"({"spec":{}})",
                      R"({"spec":{"nodeSelector":{"$patch":"replace","b":"2"},)"
                      R"("securityContext":{"$patch":"delete"}}})"),
            R"({"spec":{}})");
  EXPECT_EQ(strategic("Pod", R"({})",
                      R"({"spec":{"containers":[{"name":"a","image":null},)"
                      R"({"$patch":"delete","name":"z"}]}})"),
            R"({"spec":{"containers":[{"name":"a"}]}})");
  // The rest gets into the document, where it is an unknown field.
  EXPECT_EQ(strategic("Pod", R"({})", R"({"spec":{"$setElementOrder/containers":[{"name":"a"}]}})"),
            R"({"spec":{"$setElementOrder/containers":[{"name":"a"}]}})");
  EXPECT_EQ(strategic("Pod", R"({"spec":{"nodeSelector":{"a":"1"}}})",
                      R"({"spec":{"nodeSelector":{"$patch":"replace","$retainKeys":["b"]}}})"),
            R"({"spec":{"nodeSelector":{"$retainKeys":["b"]}}})");
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"name":"x"}})", "null"),
            R"({"metadata":{"name":"x"}})");
}

TEST(StrategicMergePatch, NamesBadPatches) {
  const std::string_view pod =
      R"({"metadata":{"finalizers":["a"],"labels":{"x":"y"}},"spec":{"containers":[{"name":"a"}]}})";
  const char* cases[][2] = {
      {R"({"spec":{"containers":[{"image":"x"}]}})",
       "500 map: map[image:x] does not contain declared merge key: name"},
      {R"({"spec":{"containers":[{"$patch":"delete","image":"x"}]}})",
       "500 map: map[$patch:delete image:x] does not contain declared merge key: name"},
      {R"({"spec":{"containers":[{"name":"a","$patch":"merge"}]}})",
       "500 merging lists cannot yet be specified in the patch"},
      {R"({"spec":{"containers":[{"name":"a","$patch":"burn"}]}})",
       "500 unknown patch type: burn in map: map[$patch:burn name:a]"},
      {R"({"$patch":"merge"})", "500 unknown patch type: merge in map: map[$patch:merge]"},
      {R"({"spec":{"containers":["x"]}})",
       "500 list element types are not identical: [[map[name:a]] [x]]"},
      {R"({"metadata":{"finalizers":["b",1]}})",
       "500 list element types are not identical: [[a] [b 1]]"},
      {R"({"spec":{"containers":[["x"]]}})",
       "500 list element types are not identical: [[map[name:a]] [[x]]]"},
      {R"({"metadata":{"$retainKeys":1}})", "400 invalid patch format of retainKeys"},
      {R"({"metadata":{"$retainKeys":["name"],"labels":{}}})",
       "400 invalid patch format of retainKeys"},
      {R"({"metadata":{"$deleteFromPrimitiveList":["a"]}})",
       "400 invalid patch format of primitive list"},
      {R"({"metadata":{"$setElementOrder":["a"]}})",
       "400 invalid patch format of setElementOrder list"},
      {R"({"metadata":{"$setElementOrder/finalizers":"a"}})",
       "500 expected a []interface {}, but received a string"},
      {R"({"metadata":{"$setElementOrder/nope":["a"]}})",
       "500 unable to find api field in struct ObjectMeta for the json field \"nope\""},
      {R"({"metadata":{"$setElementOrder/labels":["a"]}})",
       "500 expected a []interface {}, but received a map[string]interface {}"},
      {R"({"metadata":{"$setElementOrder/finalizers":["b","c"],"finalizers":["c","b"]}})",
       "500 The order in patch list:\n[c b]\n doesn't match $setElementOrder list:\n[b c]\n"},
      {R"({"spec":{"$setElementOrder/containers":[{"image":"b"}]}})",
       "500 map: map[image:b] does not contain declared merge key: name"},
  };
  for (const auto& [patch, problem] : cases) {
    EXPECT_EQ(strategic("Pod", pod, patch), problem) << patch;
  }
  EXPECT_EQ(strategic("Pod", R"({"metadata":{"finalizers":[]}})",
                      R"({"metadata":{"finalizers":[["x"]]}})"),
            "422 lists of lists are not supported");
  EXPECT_EQ(strategic("ControllerRevision", R"({"data":{"a":{"b":1}}})",
                      R"({"data":{"a":{"b":2}}})", "apps"),
            "500 unable to find api field in struct RawExtension for the json field \"a\"");
  EXPECT_EQ(strategic("Pod", "{}", "[]").substr(0, 3), "400");
}

}  // namespace
}  // namespace pinnace::api
