#include "apiserver/table/column_expression.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "apiserver/table/column_text.h"

namespace pinnace::apiserver {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

class ColumnExpressionTest : public testing::Test {
 protected:
  std::string on(std::string_view expression, std::string_view json) {
    const auto parsed = ColumnExpression::parse(expression);
    if (!parsed) return "error";
    api::Arena arena;
    const api::Value object = api::parse_json(arena, json).value();
    return api::to_json_text(parsed->evaluate(arena, object, now_));
  }
  WallTime now_ = [] {
    WallTime time;
    parse_rfc3339("2026-01-02T00:00:00Z", time);
    return time;
  }();
};

TEST_F(ColumnExpressionTest, FollowsPaths) {
  EXPECT_EQ(on("a.b", R"({"a":{"b":"x"}})"), R"("x")");
  EXPECT_EQ(on("a.b", R"({"a":{"b":3}})"), "3");
  EXPECT_EQ(on("a.b", R"({"a":{"b":{}}})"), "null");
  EXPECT_EQ(on("a.b.c", R"({"a":7})"), "null");
  EXPECT_EQ(on("a[1].b", R"({"a":[{"b":1},{"b":2}]})"), "2");
  EXPECT_EQ(on("a[2].b", R"({"a":[{"b":1},{"b":2}]})"), "null");
  EXPECT_EQ(on(R"(a["x.y/z"])", R"({"a":{"x.y/z":"v"}})"), R"("v")");
}

TEST_F(ColumnExpressionTest, TakesTheFirstThatIsNotEmpty) {
  EXPECT_EQ(on(R"(a | b | "none")", R"({"a":"","b":"x"})"), R"("x")");
  EXPECT_EQ(on(R"(a | b | "none")", R"({"a":null})"), R"("none")");
  EXPECT_EQ(on(R"(a | "none")", R"({"a":0})"), "0");
  EXPECT_EQ(on(R"(a | "none")", R"({"a":false})"), "false");
}

TEST_F(ColumnExpressionTest, CallsFunctions) {
  EXPECT_EQ(on("age(t)", R"({"t":"2026-01-01T21:00:00Z"})"), R"("3h")");
  EXPECT_EQ(on("age(t)", R"({"t":null})"), R"("\u003cunknown\u003e")");
  EXPECT_EQ(on("age(s | t)", R"({"t":"2026-01-01T23:59:50Z"})"), R"("10s")");
  EXPECT_EQ(on("duration(s)", R"({"s":3600})"), R"("60m")");
  EXPECT_EQ(on(R"(duration(s) | "-")", "{}"), R"("-")");
  EXPECT_EQ(on("count(a, b)", R"({"a":[1,2],"b":{"x":1}})"), "3");
  EXPECT_EQ(on("labels(l)", R"({"l":{"b":"2","a":"1"}})"), R"("a=1,b=2")");
  EXPECT_EQ(on("labels(l)", "{}"), R"("\u003cnone\u003e")");
  EXPECT_EQ(on("selector(s)", R"({"s":{"matchLabels":{"a":"b"},"matchExpressions":)"
                              R"([{"key":"c","operator":"In","values":["d","e"]}]}})"),
            R"x("a=b,c in (d,e)")x");
  EXPECT_EQ(on("selector(s)", "{}"), R"("\u003cnone\u003e")");
  EXPECT_EQ(on("selector(s)", R"({"s":{"matchExpressions":[{"key":"c","operator":"Is"}]}})"),
            R"("\u003cerror\u003e")");
  EXPECT_EQ(on("join(l[].x)", R"({"l":[{"x":"a"},{},{"x":"b"}]})"), R"("a,b")");
  EXPECT_EQ(on("join(l)", R"({"l":["a","b"]})"), R"("a,b")");
  EXPECT_EQ(on(R"(concat(a, "/", b))", R"({"a":"x","b":"y"})"), R"("x/y")");
  EXPECT_EQ(on(R"(concat(a, "/", b) | "-")", R"({"b":"y"})"), R"("-")");
  EXPECT_EQ(on("when(a, b)", R"({"a":"1","b":"2"})"), R"("2")");
  EXPECT_EQ(on("when(a, b)", R"({"b":"2"})"), "null");
  EXPECT_EQ(on(R"(condition("Ready"))",
               R"({"status":{"conditions":[{"type":"Ready","status":"True"}]}})"),
            R"("True")");
  EXPECT_EQ(
      on(R"(find(l, "B"))", R"({"l":[{"type":"A","address":"1"},{"type":"B","address":"2"}]})"),
      R"("2")");
  EXPECT_EQ(on("access_modes(m)", R"({"m":["ReadOnlyMany","ReadWriteOnce"]})"), R"("RWO,ROX")");
  EXPECT_EQ(on("trim(m)", R"({"m":" x\n"})"), R"("x")");
}

TEST_F(ColumnExpressionTest, RefusesWhatIsNoExpression) {
  for (const char* text :
       {"", "a.", "a |", "a b", "age()", "age(a, b)", "nope(a)", "rule nope", "labels(\"x\")",
        "condition(a)", "a[", "a[x]", "\"open", "count(a", "when(a)"}) {
    EXPECT_FALSE(ColumnExpression::parse(text)) << text;
  }
  std::string deep(100, '(');
  EXPECT_FALSE(ColumnExpression::parse("age" + deep));
  EXPECT_FALSE(ColumnExpression::parse(std::string(2000, 'a')));
}

TEST(ShortDuration, TakesTheUnitsThatMatter) {
  struct Case {
    Duration duration;
    const char* text;
  };
  const Case cases[] = {
      {seconds(-5), "<invalid>"}, {seconds(-1), "0s"},
      {seconds(0), "0s"},         {seconds(119), "119s"},
      {seconds(120), "2m"},       {minutes(5) + seconds(7), "5m7s"},
      {minutes(10), "10m"},       {minutes(179), "179m"},
      {hours(3), "3h"},           {hours(7) + minutes(2), "7h2m"},
      {hours(47), "47h"},         {hours(48), "2d"},
      {hours(51), "2d3h"},        {hours(24 * 8), "8d"},
      {hours(24 * 729), "729d"},  {hours(24 * 730), "2y"},
      {hours(24 * 740), "2y10d"}, {hours(24 * 365 * 9), "9y"},
  };
  for (const Case& one : cases) EXPECT_EQ(short_duration(one.duration), one.text);
}

TEST(ShortList, CountsWhatItDoesNotShow) {
  ShortList list;
  for (const char* text : {"a", "b", "c"}) list.add(text);
  EXPECT_EQ(list.text(), "a,b,c");
  list.add("d");
  list.add("e");
  EXPECT_EQ(list.text(), "a,b,c + 2 more...");
}

}  // namespace
}  // namespace pinnace::apiserver
