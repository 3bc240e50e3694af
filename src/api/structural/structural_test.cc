#include <gtest/gtest.h>

#include <string>

#include "api/json.h"
#include "api/structural/formats.h"
#include "api/structural/schema.h"
#include "api/structural/shaping.h"
#include "api/structural/validate.h"

namespace pinnace::api::structural {
namespace {

class Structural : public testing::Test {
 protected:
  Value json(std::string_view text) { return parse_json(arena_, text).value(); }
  void read(std::string_view schema) { schema_ = Schema::parse(json(schema)).value(); }
  std::string pruned(std::string_view text, std::vector<std::string>* unknown = nullptr) {
    Value value = json(text);
    prune(value, schema_->root(), unknown);
    return to_json_text(value);
  }
  std::string defaulted(std::string_view text) {
    Value value = json(text);
    apply_defaults(arena_, value, schema_->root());
    return to_json_text(value);
  }
  std::string wrong(std::string_view text, std::string_view old = "") {
    std::vector<Cause> causes;
    const Value value = json(text);
    const Value before = old.empty() ? Value() : json(old);
    validate(causes, value, schema_->root(), old.empty() ? nullptr : &before);
    std::string out;
    for (const Cause& cause : causes) {
      out += (out.empty() ? "" : " | ") + cause.field + ": " + cause.message;
    }
    return out;
  }

  Arena arena_;
  std::unique_ptr<const Schema> schema_;
};

TEST_F(Structural, PrunesWhatNoPropertyNames) {
  read(R"({"type":"object","properties":{"a":{"type":"object","properties":{"b":{"type":"string"}}},
           "free":{"type":"object","x-kubernetes-preserve-unknown-fields":true,
                   "properties":{"known":{"type":"object","properties":{"x":{"type":"string"}}}}},
           "map":{"type":"object","additionalProperties":{"type":"object","properties":{"c":{"type":"string"}}}},
           "list":{"type":"array","items":{"type":"object","properties":{"d":{"type":"string"}}}},
           "pod":{"type":"object","x-kubernetes-embedded-resource":true,"properties":{"spec":{"type":"object"}}}}})");
  std::vector<std::string> unknown;
  EXPECT_EQ(pruned(R"({"kind":"K","metadata":{"x":1},"a":{"b":"1","z":1},"free":{"q":{"r":1},
                       "known":{"x":"1","y":2}},"map":{"k":{"c":"1","z":2}},
                       "list":[{"d":"1","e":2}],"pod":{"kind":"P","metadata":{"l":1},"other":1}})",
                   &unknown),
            R"({"kind":"K","metadata":{"x":1},"a":{"b":"1"},"free":{"q":{"r":1},)"
            R"("known":{"x":"1"}},"map":{"k":{"c":"1"}},"list":[{"d":"1"}],)"
            R"("pod":{"kind":"P","metadata":{"l":1}}})");
  EXPECT_EQ(unknown,
            (std::vector<std::string>{"a.z", "free.known.y", "list[0].e", "map.k.z", "pod.other"}));
}

TEST_F(Structural, FillsDefaultsInTurn) {
  read(R"({"type":"object","properties":{"a":{"type":"object","default":{},"properties":{
             "b":{"type":"integer","default":3}}},
           "n":{"type":"string","nullable":true,"default":"x"},
           "m":{"type":"string","default":"y"},
           "o":{"type":"string"},
           "l":{"type":"array","items":{"type":"object","properties":{"c":{"type":"integer","default":1}}}}}})");
  EXPECT_EQ(defaulted(R"({"n":null,"m":null,"o":null,"l":[{},{"c":2}]})"),
            R"({"n":null,"m":"y","l":[{"c":1},{"c":2}],"a":{"b":3}})");
}

TEST_F(Structural, SaysWhatKeywordsRefuse) {
  read(R"({"type":"object","required":["a"],"minProperties":1,"properties":{
           "a":{"type":"integer","minimum":1,"exclusiveMinimum":true,"multipleOf":2},
           "s":{"type":"string","minLength":2,"format":"ipv4"},
           "l":{"type":"array","minItems":1,"maxItems":2,"items":{"type":"integer"}},
           "x":{"type":"object","maxProperties":1,"additionalProperties":{"type":"string"}},
           "n":{"type":"number","maximum":1000000}}})");
  EXPECT_EQ(wrong(R"({"a":4})"), "");
  EXPECT_EQ(wrong("{}"),
            "<nil>: Invalid value: 0:  in body should have at least 1 properties | a: Required "
            "value");
  EXPECT_EQ(wrong(R"({"a":1})"),
            "a: Invalid value: 1: a in body should be a multiple of 2 | a: Invalid value: 1: a in "
            "body should be greater than 1");
  EXPECT_EQ(wrong(R"({"a":2,"s":"x"})"),
            "s: Invalid value: \"x\": s in body should be at least 2 chars long | s: Invalid "
            "value: \"x\": s in body must be of type ipv4: \"x\"");
  EXPECT_EQ(
      wrong(R"({"a":2,"l":[1,"2",3]})"),
      "l[1]: Invalid value: \"string\": l[1] in body must be of type integer: \"string\" | l: "
      "Too many: 3: must have at most 2 items");
  EXPECT_EQ(wrong(R"({"a":2,"x":{"k":null}})"),
            "x.k: Invalid value: \"null\": x.k in body must be of type string: \"null\"");
  EXPECT_EQ(wrong(R"({"a":2,"n":1000001})"),
            "n: Invalid value: 1000001: n in body should be less than or equal to 1000000");
}

TEST_F(Structural, CombinesSchemas) {
  read(R"({"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"integer"}},
           "oneOf":[{"required":["a"]},{"required":["b"]}],"not":{"properties":{"a":{"minimum":10}},"required":["a"]}})");
  EXPECT_EQ(wrong(R"({"a":1})"), "");
  EXPECT_EQ(wrong(R"({"a":1,"b":2})"),
            "<nil>: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found "
            "2 valid alternatives");
  EXPECT_EQ(wrong("{}"),
            "<nil>: Invalid value: \"\": \"\" must validate one and only one schema (oneOf). Found "
            "none valid | a: Required value");
  EXPECT_EQ(wrong(R"({"a":10})"),
            "<nil>: Invalid value: \"\": \"\" must not validate the schema (not)");
}

TEST_F(Structural, ToleratesWhatDidNotChange) {
  read(R"({"type":"object","properties":{"l":{"type":"array","x-kubernetes-list-type":"map",
           "x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{
           "k":{"type":"string"},"v":{"type":"integer","maximum":1}}}}}})");
  EXPECT_EQ(wrong(R"({"l":[{"k":"b","v":1},{"k":"a","v":5}]})", R"({"l":[{"k":"a","v":5}]})"), "");
  EXPECT_NE(wrong(R"({"l":[{"k":"b","v":5},{"k":"a","v":5}]})", R"({"l":[{"k":"a","v":5}]})"), "");
}

TEST_F(Structural, TellsItemsApart) {
  read(R"({"type":"object","properties":{
           "s":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}},
           "m":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["p","q"],
                "items":{"type":"object","properties":{"p":{"type":"string"},
                "q":{"type":"string","default":"TCP"}}}}}})");
  std::vector<Cause> causes;
  validate_lists(causes,
                 json(R"({"s":["a","b","a","a"],"m":[{"q":"TCP","p":"1"},{"p":"1","q":"TCP"}]})"),
                 schema_->root());
  ASSERT_EQ(causes.size(), 2u);
  EXPECT_EQ(causes[0].field + " " + causes[0].message, "s[2] Duplicate value: \"a\"");
  EXPECT_EQ(causes[1].field + " " + causes[1].message,
            R"(m[1] Duplicate value: {"p":"1","q":"TCP"})");
}

TEST_F(Structural, KnowsFormats) {
  const struct {
    const char *format, *good, *bad;
  } kCases[] = {
      {"date", "2024-02-29", "2024-02-30"},
      {"date-time", "2024-02-29T10:00:00Z", "2024-02-29"},
      {"duration", "1h30m", "soon"},
      {"email", "a@b.c", "a"},
      {"hostname", "a-b.example.com", "a-b-c"},
      {"ipv4", "10.0.0.1", "10.0.0.256"},
      {"ipv6", "::1", "10.0.0.1"},
      {"cidr", "10.0.0.0/8", "10.0.0.0/33"},
      {"mac", "00:11:22:33:44:55", "00:11"},
      {"uuid", "3f2504e0-4f89-11d3-9a0c-0305e82c3301", "x"},
      {"byte", "YWI=", "Y?=="},
      {"uri", "https://a/b", "a b"},
      {"hexcolor", "#fff", "#ggg"},
      {"isbn10", "0306406152", "0306406153"},
      {"isbn13", "978-0-306-40615-7", "978-0-306-40615-8"},
      {"creditcard", "4111 1111 1111 1111", "4111 1111 1111 1112"},
  };
  for (const auto& each : kCases) {
    EXPECT_TRUE(matches_format(each.format, each.good)) << each.format;
    EXPECT_FALSE(matches_format(each.format, each.bad)) << each.format;
  }
  EXPECT_TRUE(matches_format("of-nobody", "anything"));
}

TEST_F(Structural, RefusesSchemasWithoutEnd) {
  std::string deep = R"({"type":"string"})";
  for (int i = 0; i < kMaxDepth + 2; ++i) deep = R"({"type":"array","items":)" + deep + "}";
  EXPECT_FALSE(Schema::parse(json(deep)).has_value());
  EXPECT_FALSE(Schema::parse(json(R"({"type":"string","pattern":"("})")).has_value());
}

}  // namespace
}  // namespace pinnace::api::structural
