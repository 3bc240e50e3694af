#include "api/apply/field_set.h"

#include <gtest/gtest.h>

#include "api/json.h"

namespace pinnace::api::apply {
namespace {

class FieldSetTest : public ::testing::Test {
 protected:
  FieldSet set(std::string_view text) {
    const auto value = parse_json(arena_, text);
    EXPECT_TRUE(value) << text;
    const auto decoded = decode_fields(arena_, *value);
    EXPECT_TRUE(decoded) << text;
    return *decoded;
  }
  std::string text(const FieldSet& fields) { return to_json_text(encode_fields(arena_, fields)); }
  std::string again(std::string_view from) { return text(set(from)); }

  Arena arena_;
};

TEST_F(FieldSetTest, WritesInKubernetesOrder) {
  EXPECT_EQ(
      again(R"({"i:10":{},"i:9":{},"v:\"b\"":{},"v:2":{},"v:\"a\"":{},"k:{\"b\":1}":{},"f:z":{},
                     "k:{\"a\":2}":{},"f:a":{"f:y":{},".":{}}})"),
      R"({"f:a":{".":{},"f:y":{}},"f:z":{},"k:{\"a\":2}":{},"k:{\"b\":1}":{},"v:2":{},)"
      R"("v:\"a\"":{},"v:\"b\"":{},"i:9":{},"i:10":{}})");
}

TEST_F(FieldSetTest, KeysHaveOneForm) {
  EXPECT_EQ(again(R"({"k:{ \"protocol\": \"TCP\", \"port\": 80 }":{}})"),
            R"({"k:{\"port\":80,\"protocol\":\"TCP\"}":{}})");
}

TEST_F(FieldSetTest, DropsElementsOfUnknownKinds) {
  EXPECT_EQ(again(R"({"f:a":{},"x:future":{"f:b":{}}})"), R"({"f:a":{}})");
}

TEST_F(FieldSetTest, RefusesWhatIsNoPathElement) {
  for (const char* broken : {R"({"f":{}})", R"({"k:1":{}})", R"({"k:{":{}})", R"({"i:x":{}})",
                             R"({"v:":{}})", R"({"f:a":1})", R"([])"}) {
    const auto value = parse_json(arena_, broken);
    ASSERT_TRUE(value);
    EXPECT_FALSE(decode_fields(arena_, *value)) << broken;
  }
}

TEST_F(FieldSetTest, CombinesAsSets) {
  const FieldSet a = set(R"({"f:a":{},"f:b":{".":{},"f:x":{},"f:y":{}},"f:c":{"f:z":{}}})");
  const FieldSet b = set(R"({"f:b":{".":{},"f:y":{}},"f:c":{},"f:d":{}})");
  EXPECT_EQ(text(unite(arena_, a, b)),
            R"({"f:a":{},"f:b":{".":{},"f:x":{},"f:y":{}},"f:c":{".":{},"f:z":{}},"f:d":{}})");
  EXPECT_EQ(text(intersect(arena_, a, b)), R"({"f:b":{".":{},"f:y":{}}})");
  EXPECT_EQ(text(subtract(arena_, a, b)), R"({"f:a":{},"f:b":{"f:x":{}},"f:c":{"f:z":{}}})");
  EXPECT_EQ(text(subtract_below(arena_, a, b)), R"({"f:a":{}})");
}

TEST_F(FieldSetTest, AsksStoredFieldsWithoutDecoding) {
  const auto stored = parse_json(arena_, R"({"f:a":{".":{},"f:x":{}},"f:b":{"f:y":{}}})");
  EXPECT_TRUE(shares_a_field(*stored, set(R"({"f:a":{}})")));
  EXPECT_FALSE(shares_a_field(*stored, set(R"({"f:b":{}})")));  // Only what is below it is there.
  EXPECT_TRUE(shares_a_field(*stored, set(R"({"f:b":{".":{},"f:y":{}}})")));
  EXPECT_TRUE(has_every_field(*stored, set(R"({"f:a":{"f:x":{}},"f:b":{"f:y":{}}})")));
  EXPECT_FALSE(has_every_field(*stored, set(R"({"f:b":{".":{},"f:y":{}}})")));
}

TEST_F(FieldSetTest, VisitsALevelBeforeThoseBelow) {
  std::string seen;
  for_each_field(set(R"({"f:a":{".":{},"k:{\"name\":\"x\"}":{"v:1":{}}},"f:b":{}})"),
                 [&](Path path) { seen += display(path) + "\n"; });
  EXPECT_EQ(seen, ".a\n.b\n.a[name=\"x\"][=1]\n");
}

}  // namespace
}  // namespace pinnace::api::apply
