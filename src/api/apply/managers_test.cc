#include "api/apply/managers.h"

#include <gtest/gtest.h>

#include "api/apply/compare.h"
#include "api/apply/merge.h"
#include "api/json.h"
#include "api/yaml.h"

namespace pinnace::api::apply {
namespace {

// Updaters of v1, each of a field of its own name.
Managers updaters(Arena& arena, std::initializer_list<std::pair<const char*, const char*>> all) {
  Value list = Value::array();
  for (const auto& [name, time] : all) {
    const std::string entry = std::string("{manager: ") + name +
                              ", operation: Update, apiVersion: v1, time: \"" + time +
                              "\", fieldsType: FieldsV1, fieldsV1: {f:" + name + ": {}}}";
    list.append(arena, *parse_yaml(arena, arena.copy(entry)));
  }
  return *decode_managers(&list);
}

std::string capped(Arena& arena, Managers managers) {
  cap_updaters(arena, managers);
  std::string text;
  const Value list = encode_managers(arena, managers);
  for (const Value& entry : list.items()) {
    text += std::string(entry.string_at("manager")) + to_json_text(*entry.find("fieldsV1")) + " ";
  }
  return text;
}

TEST(Managers, TheOldestUpdatersBecomeAncient) {
  Arena arena;
  EXPECT_EQ(capped(arena, updaters(arena, {{"a", "1"},
                                           {"b", "2"},
                                           {"c", "3"},
                                           {"d", "4"},
                                           {"e", "5"},
                                           {"f", "6"},
                                           {"g", "7"},
                                           {"h", "8"},
                                           {"i", "9a"},
                                           {"j", "9b"},
                                           {"k", "9c"}})),
            R"(ancient-changes{"f:a":{},"f:b":{}} c{"f:c":{}} d{"f:d":{}} e{"f:e":{}} )"
            R"(f{"f:f":{}} g{"f:g":{}} h{"f:h":{}} i{"f:i":{}} j{"f:j":{}} k{"f:k":{}} )");
}

TEST(Managers, WhatBecomesAncientGoesToWhatIsAncient) {
  Arena arena;
  EXPECT_EQ(capped(arena, updaters(arena, {{"a", "1"},
                                           {"b", "2"},
                                           {"c", "3"},
                                           {"d", "4"},
                                           {"e", "5"},
                                           {"f", "6"},
                                           {"g", "7"},
                                           {"h", "8"},
                                           {"i", "9a"},
                                           {"j", "9b"},
                                           {"ancient-changes", "9c"}})),
            R"(a{"f:a":{}} ancient-changes{"f:ancient-changes":{},"f:b":{}} c{"f:c":{}} )"
            R"(d{"f:d":{}} e{"f:e":{}} f{"f:f":{}} g{"f:g":{}} h{"f:h":{}} i{"f:i":{}} )"
            R"(j{"f:j":{}} )");
}

// What a configuration makes of a value where no schema says what it is, and whether that counts as
// a change of it.
std::string applied(const char* live, const char* config) {
  Arena arena;
  const Shape shape = Shape::deduced();
  const Value before = parse_json(arena, live).value();
  const Value after = merge(arena, shape, before, parse_json(arena, config).value()).value();
  const Comparison difference = compare(arena, shape, before, after);
  return to_json_text(after) + " " + to_json_text(encode_fields(arena, difference.modified));
}

TEST(Merging, ValuesThatAreAnother) {
  EXPECT_EQ(applied(R"({"a":[1]})", R"({"a":{}})"), R"({"a":{}} {"f:a":{}})");
  EXPECT_EQ(applied(R"({"a":[1]})", R"({"a":null})"), R"({"a":null} {"f:a":{}})");
  EXPECT_EQ(applied(R"({"a":1})", R"({"a":null})"), R"({"a":null} {"f:a":{}})");
  EXPECT_EQ(applied(R"({"a":{"b":1}})", R"({"a":[]})"), R"({"a":[]} {"f:a":{}})");
  // A null says nothing of what an object has.
  EXPECT_EQ(applied(R"({"a":{"b":1}})", R"({"a":null})"), R"({"a":{"b":1}} {})");
}

}  // namespace
}  // namespace pinnace::api::apply
