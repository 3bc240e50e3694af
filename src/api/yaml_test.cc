#include "api/yaml.h"

#include <gtest/gtest.h>

#include "base/strings.h"

namespace pinnace::api {
namespace {

std::string as_json(std::string_view text) {
  Arena arena;
  const Result<Value> value = parse_yaml(arena, text);
  return value ? to_json_text(*value) : value.error().message;
}

TEST(Yaml, ReadsAManifest) {
  EXPECT_EQ(
      as_json(R"(
# a pod
apiVersion: v1
kind: Pod
metadata:
  name: web
  labels: {app: "web", m: '1'}
spec:
  containers:
  - name: a
    args: ["--x", -y]
    command:
      - sh
      - |
        echo hi
        exit 0
)"),
      R"({"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"web","m":"1"}},)"
      R"("spec":{"containers":[{"name":"a","args":["--x","-y"],"command":["sh","echo hi\nexit 0\n"]}]}})");
}

TEST(Yaml, ResolvesPlainScalarsAsYaml11) {
  EXPECT_EQ(as_json("[yes, No, on, OFF, true, y, ~, null, '', \"yes\", 1]"),
            R"([true,false,true,false,true,true,null,null,"","yes",1])");
  EXPECT_EQ(as_json("[010, 0o10, 0x1F, 0b11, 1_000, +5, -3, 08, 1.5, 1e3, 1.0, .5, 1:30]"),
            R"([8,8,31,3,1000,5,-3,8,1.5,1000,1,0.5,"1:30"])");
  EXPECT_EQ(as_json("[2001-01-01, 1.2.3, 100m, v1, 0x, '0755', 1e, .]"),
            R"(["2001-01-01","1.2.3","100m","v1","0x","0755","1e","."])");
  EXPECT_EQ(as_json("!!str 123"), "\"123\"");
  EXPECT_EQ(as_json("!!binary aGk="), "\"hi\"");
  EXPECT_NE(as_json("!!int x").find("cannot decode 'x' as a !!int"), std::string::npos);
  EXPECT_NE(as_json("a: .inf").find("unsupported value: .inf"), std::string::npos);
}

TEST(Yaml, MakesKeysStrings) {
  EXPECT_EQ(as_json("{1: a, true: b, 1.5: c, yes : d}"), R"({"1":"a","true":"d","1.5":"c"})");
  EXPECT_NE(as_json("? [a]\n: b").find("not supported as map keys"), std::string::npos);
}

TEST(Yaml, ExpandsAliasesAndMergesMaps) {
  EXPECT_EQ(as_json("a: &x {k: 1, l: 2}\nb: *x\nc: {<<: *x, k: 3}"),
            R"({"a":{"k":1,"l":2},"b":{"k":1,"l":2},"c":{"k":3,"l":2}})");
  EXPECT_EQ(as_json("c: {<<: [{a: 1}, {a: 2, b: 2}], z: 0}"), R"({"c":{"z":0,"a":1,"b":2}})");
  EXPECT_NE(as_json("<<: 1").find("map merge requires map"), std::string::npos);
  EXPECT_NE(as_json("a: *nope").find("line 1: unknown anchor 'nope' referenced"),
            std::string::npos);
  EXPECT_NE(as_json("a: &x [*x]").find("anchor 'x' value contains itself"), std::string::npos);
}

TEST(Yaml, StopsAliasBombs) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string name = "a" + std::to_string(i);
    const std::string below = "*a" + std::to_string(i - 1);
    bomb += name + ": &" + name + " [" + below;
    for (int j = 0; j < 9; ++j) bomb += "," + below;
    bomb += "]\n";
  }
  EXPECT_NE(as_json(bomb).find("document contains excessive aliasing"), std::string::npos);
  std::string wide = "a: &a " + std::string(1'000'000, 'x') + "\nb: [";
  for (int i = 0; i < 1000; ++i) wide += "*a,";
  EXPECT_NE(as_json(wide + "]").find("excessive aliasing"), std::string::npos);
}

TEST(Yaml, StopsDeepNesting) {
  EXPECT_NE(as_json(std::string(10'000, '[')).find("exceeded max depth of 512"), std::string::npos);
  std::string block;
  for (int i = 0; i < 2000; ++i) block += std::string(i, ' ') + "a:\n";
  EXPECT_NE(as_json(block).find("exceeded max depth of 512"), std::string::npos);
}

TEST(Yaml, NamesTheLineOfAMistake) {
  EXPECT_EQ(as_json("a: 1\nb: c: d\n"),
            "error converting YAML to JSON: yaml: line 2: mapping values are not allowed in this "
            "context");
  EXPECT_EQ(as_json("a:\n\t- b"),
            "error converting YAML to JSON: yaml: line 2: found character that cannot start any "
            "token");
  EXPECT_NE(as_json("a: [1, 2").find("yaml: line "), std::string::npos);
}

TEST(Yaml, ReportsDuplicatesByLine) {
  Arena arena;
  std::vector<std::string> duplicates;
  const auto value = parse_yaml(arena, "spec:\n  c:\n  - {x: 1, x: 2}\n  c: []\n",
                                {.duplicate_fields = &duplicates});
  EXPECT_EQ(to_json_text(*value), R"({"spec":{"c":[]}})");
  EXPECT_EQ(duplicates, (std::vector<std::string>{"line 3: key \"x\" already set in map",
                                                  "line 4: key \"c\" already set in map"}));
}

TEST(Yaml, ReadsAllDocumentsOfAFile) {
  Arena arena;
  const auto documents =
      parse_yaml_documents(arena, "---\na: 1\n---\n---\n# none\n---\nb: 2\n...\n");
  ASSERT_TRUE(documents);
  ASSERT_EQ(documents->size(), 2U);
  EXPECT_EQ(to_json_text((*documents)[1]), R"({"b":2})");
  EXPECT_TRUE(parse_yaml_documents(arena, "")->empty());
  EXPECT_EQ(as_json(""), "null");
}

TEST(Yaml, WritesWhatItReads) {
  const std::string json =
      R"({"1":"~","a":"1","b":["x",{"y":[[1,2],[]]},{}],"c":{"d":null,"e":true},"f":"yes","g":"a: b",)"
      R"("h":"line\nline\n","i":"line\n\nend","j":" x","k":"# no","l":"ü","m":1.5,"n":"-","o":"--x",)"
      R"("p":"-x","q":"","r":"2001-01-01","s":"a #b","t":"l\n\n","u":"null","v":"x:"})";
  Arena arena;
  const Value value = parse_json(arena, json).value();
  const std::string yaml = to_yaml_text(value);
  EXPECT_EQ(as_json(yaml), to_json_text(value)) << yaml;
  EXPECT_EQ(as_json(to_yaml_text(Value::array())), "[]");
  const std::string_view odd = "\x7f\u0085\u0080\u2028\ufeff\uffff";
  EXPECT_EQ(parse_yaml(arena, to_yaml_text(Value::string_ref(odd))).value().as_string(), odd);
  const std::string keys = R"({"a":{"":{"b":3},")" + std::string(2000, 'k') + R"(":[2],"x\ny":1}})";
  EXPECT_EQ(as_json(to_yaml_text(parse_json(arena, keys).value())), keys);
  EXPECT_EQ(as_json(to_yaml_text(Value::string_ref("two\nlines"))), R"("two\nlines")");
}

TEST(Yaml, SortsKeysAsGoDoes) {
  Arena arena;
  const Value value =
      parse_json(arena, R"({"b":1,"a10":1,"a2":1,"a02":1,"a":1,"B":1,"a-b":1,"a1b":1,"a1-":1,)"
                        R"("1":1,"ab":1,"100":1,"1000":1,"99":1,"a.b/c":1})")
          .value();
  const std::string yaml = to_yaml_text(value);
  std::string keys;
  for (const auto line : split(yaml, '\n')) {
    keys += std::string(trim(line.substr(0, line.find(':')))) + ' ';
  }
  EXPECT_EQ(keys, "\"1\" \"99\" \"100\" \"1000\" B a a-b a.b/c a1b a1- a2 a02 a10 ab b  ");
}

TEST(Yaml, WritesBlockStyle) {
  Arena arena;
  const Value value =
      parse_json(arena, R"({"kind":"Pod","spec":{"c":[{"name":"a","x":[1]}],"e":{}}})").value();
  EXPECT_EQ(to_yaml_text(value), "kind: Pod\nspec:\n  c:\n  - name: a\n    x:\n    - 1\n  e: {}\n");
}

}  // namespace
}  // namespace pinnace::api
