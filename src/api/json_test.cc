#include "api/json.h"

#include <gtest/gtest.h>

namespace pinnace::api {
namespace {

std::string round_trip(std::string_view text) {
  Arena arena;
  const Result<Value> value = parse_json(arena, text);
  return value ? to_json_text(*value) : "error: " + value.error().message;
}

std::string error_of(std::string_view text) {
  Arena arena;
  const Result<Value> value = parse_json(arena, text);
  if (value) return "no error";
  EXPECT_EQ(value.error().code, 400);
  return value.error().message;
}

TEST(Json, KeepsWhatItReads) {
  const std::string text =
      R"({"kind":"Pod","n":[1,-2,1.5,true,false,null],"deep":{"a":{"b":{}}},"empty":[],"s":"ü"})";
  EXPECT_EQ(round_trip(text), text);
}

TEST(Json, TellsWholeNumbersFromOthers) {
  Arena arena;
  EXPECT_TRUE(parse_json(arena, "9223372036854775807")->is_int());
  EXPECT_EQ(parse_json(arena, "9223372036854775808")->type(), Value::Type::kDouble);
  EXPECT_EQ(parse_json(arena, "1.0")->type(), Value::Type::kDouble);
  EXPECT_EQ(parse_json(arena, "1e3")->type(), Value::Type::kDouble);
}

TEST(Json, WritesNumbersAsGoDoes) {
  EXPECT_EQ(round_trip("[1e3,0.1,1e21,1e-7,1.5e-9,1e20,-0.0]"),
            "[1000,0.1,1e+21,1e-7,1.5e-9,100000000000000000000,-0]");
}

TEST(Json, EscapesAsGoDoes) {
  EXPECT_EQ(round_trip(R"("<a>&\u2028\u2029\u0001\"\\\n\r\t\b\f/\u00e9")"),
            R"("\u003ca\u003e\u0026\u2028\u2029\u0001\"\\\n\r\t\b\f/é")");
}

TEST(Json, EscapesWhereverItStands) {
  const std::pair<const char*, const char*> cases[] = {{"\"", R"(\")"},
                                                       {"\\", R"(\\)"},
                                                       {"<", R"(\u003c)"},
                                                       {"\x1f", R"(\u001f)"},
                                                       {"\xe2\x80\xa8", R"(\u2028)"},
                                                       {"\xe2\x82\xac", "\xe2\x82\xac"},
                                                       {"\x7f", "\x7f"},
                                                       {" ", " "}};
  for (const auto& [text, written] : cases) {
    for (std::size_t before = 0; before < 40; ++before) {
      for (const std::size_t after : {0, 1, 15, 16, 33}) {
        const std::string front(before, 'a'), back(after, '~');
        std::string out;
        write_json_string(out, front + text + back + text);
        EXPECT_EQ(out, '"' + front + written + back + written + '"');
      }
    }
  }
}

TEST(Json, LastDuplicateWinsAndIsReportedByPath) {
  Arena arena;
  std::vector<std::string> duplicates;
  const Result<Value> value =
      parse_json(arena, R"({"spec":{"c":[{"x":1},{"x":1,"x":2}],"c":[{"y":1,"y":1}]},"spec":3})",
                 {.duplicate_fields = &duplicates});
  ASSERT_TRUE(value);
  EXPECT_EQ(to_json_text(*value), R"({"spec":3})");
  EXPECT_EQ(duplicates, (std::vector<std::string>{"spec.c[1].x", "spec.c[0].y", "spec.c", "spec"}));
}

TEST(Json, FindsDuplicatesInLargeObjects) {
  std::string text = "{";
  for (int i = 0; i < 5000; ++i) text += '"' + std::to_string(i) + "\":0,";
  text += R"("4999":1})";
  Arena arena;
  std::vector<std::string> duplicates;
  const Result<Value> value = parse_json(arena, text, {.duplicate_fields = &duplicates});
  ASSERT_TRUE(value);
  EXPECT_EQ(value->size(), 5000U);
  EXPECT_EQ(value->int_at("4999"), 1);
  EXPECT_EQ(duplicates, std::vector<std::string>{"4999"});
}

TEST(Json, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of(""), "unexpected end of JSON input (line 1, column 1)");
  EXPECT_EQ(error_of("{"), "unexpected end of JSON input (line 1, column 2)");
  EXPECT_EQ(error_of("{\n  \"a\": }"),
            "invalid character '}' looking for beginning of value (line 2, column 8)");
  EXPECT_EQ(error_of("{a:1}"),
            "invalid character 'a' looking for beginning of object key string (line 1, column 2)");
  EXPECT_EQ(error_of(R"({"a" 1})"), "invalid character '1' after object key (line 1, column 6)");
  EXPECT_EQ(error_of(R"({"a":1 "b":2})"),
            "invalid character '\"' after object key:value pair (line 1, column 8)");
  EXPECT_EQ(error_of("[1 2]"), "invalid character '2' after array element (line 1, column 4)");
  EXPECT_EQ(error_of("1 2"), "invalid character '2' after top-level value (line 1, column 3)");
  EXPECT_EQ(error_of("tru"),
            "invalid character ' ' in literal true (expecting 'e') (line 1, column 4)");
  EXPECT_EQ(error_of("[-"), "invalid character ' ' in numeric literal (line 1, column 3)");
  EXPECT_EQ(error_of("1."),
            "invalid character ' ' after decimal point in numeric literal (line 1, column 3)");
  EXPECT_EQ(error_of("\"\\"), "invalid character ' ' in string escape code (line 1, column 3)");
  EXPECT_EQ(error_of("\"\\u1"),
            "invalid character ' ' in \\u hexadecimal character escape (line 1, column 5)");
  EXPECT_EQ(error_of("{\"a\\"), "invalid character ' ' in string escape code (line 1, column 5)");
  EXPECT_EQ(
      error_of("{\\"),
      R"(invalid character '\\' looking for beginning of object key string (line 1, column 2))");
  EXPECT_EQ(error_of("trux"),
            "invalid character 'x' in literal true (expecting 'e') (line 1, column 4)");
  EXPECT_EQ(error_of("\"a\nb\""), "invalid character '\\n' in string literal (line 1, column 3)");
  EXPECT_EQ(error_of(R"("\x")"), "invalid character 'x' in string escape code (line 1, column 3)");
  EXPECT_EQ(error_of("[01]"), "invalid character '1' after array element (line 1, column 3)");
  EXPECT_EQ(error_of("[1,]"),
            "invalid character ']' looking for beginning of value (line 1, column 4)");
}

TEST(Json, TakesATextWithoutAPlaceForAnEmptyOne) {
  EXPECT_EQ(error_of({}), "unexpected end of JSON input (line 1, column 1)");
}

TEST(Json, CountsColumnsInTheBytesThatCame) {
  EXPECT_EQ(error_of("[\"\xff\xff\" 1]"),
            "invalid character '1' after array element (line 1, column 7)");
  EXPECT_EQ(error_of("[\"\\n\\u0041\"\n1]"),
            "invalid character '1' after array element (line 2, column 1)");
  EXPECT_EQ(error_of("[\xff"),
            "invalid character '\xc3\xbf' looking for beginning of value (line 1, column 2)");
}

TEST(Json, RefusesHugeNumbersWhereNothingElseIsWrong) {
  EXPECT_EQ(error_of("1e999"), "a number is out of range");
  EXPECT_EQ(error_of("[-1e999,]"),
            "invalid character ']' looking for beginning of value (line 1, column 9)");
  EXPECT_EQ(round_trip("[1e-999,0.1e1,-0,18446744073709551616]"), "[0,1,0,18446744073709551616]");
}

TEST(Json, RefusesDeepNesting) {
  for (int depth : {600, 10'000, 1'000'000}) {
    EXPECT_EQ(error_of(std::string(depth, '[') + std::string(depth, ']')),
              "exceeded max depth of 512 (line 1, column 513)");
  }
  std::string object;
  for (int i = 0; i < 10'000; ++i) object += R"({"a":)";
  EXPECT_EQ(error_of(object), "exceeded max depth of 512 (line 1, column 2561)");
  EXPECT_EQ(round_trip(std::string(500, '[') + std::string(500, ']')),
            std::string(500, '[') + std::string(500, ']'));
}

TEST(Json, ReadsStringsOfEveryLength) {
  for (std::size_t size = 0; size < 50; ++size) {
    const std::string text = '"' + std::string(size, 'x') + '"';
    EXPECT_EQ(round_trip(text), text);
    EXPECT_EQ(round_trip("[" + text + ",\"" + std::string(size, 'y') + "\\t\\u00fcz\"]"),
              "[" + text + ",\"" + std::string(size, 'y') + "\\tüz\"]");
    EXPECT_EQ(error_of(text.substr(0, size + 1)),
              "unexpected end of JSON input (line 1, column " + std::to_string(size + 2) + ")");
  }
  const std::string large = '"' + std::string(1'000'000, 'x') + '"';
  EXPECT_EQ(round_trip(large), large);
}

TEST(Json, Indents) {
  Arena arena;
  EXPECT_EQ(to_indented_json(*parse_json(arena, R"({"a":[1,{}],"b":{"c":null}})")),
            "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  }\n}");
}

TEST(Json, WhatIsNoUnicodeIsReplaced) {
  const auto text_of = [](std::string_view json) {
    Arena arena;
    const auto value = parse_json(arena, json);
    return value ? std::string(value->as_string()) : value.error().message;
  };
  const std::string other = "\xEF\xBF\xBD";
  EXPECT_EQ(text_of("\"x\xffy\""), "x" + other + "y");
  EXPECT_EQ(text_of("\"\xc3\xa4\xe2\x82\""), "\xc3\xa4" + other + other);
  EXPECT_EQ(text_of(R"("\ud800y")"), other + "y");
  EXPECT_EQ(text_of(R"("\udc00\ud83d\ude00\\ud800")"), other + "\xF0\x9F\x98\x80\\ud800");
  EXPECT_EQ(text_of(R"("\ud83d\ud83d\ude00")"), other + "\xF0\x9F\x98\x80");
  EXPECT_EQ(text_of("\"\xff\\q\"").find("invalid character 'q' in string escape code"), 0u);
}

}  // namespace
}  // namespace pinnace::api
