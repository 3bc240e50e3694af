#include "api/selector.h"

#include <gtest/gtest.h>

#include "api/json.h"

namespace pinnace::api {
namespace {

bool matches(std::string_view selector, const LabelMap& labels) {
  return parse_label_selector(selector).value().matches(labels);
}

std::string label_error(std::string_view text) {
  const auto selector = parse_label_selector(text);
  return selector ? "no error" : selector.error().message;
}

std::string canonical(std::string_view text) { return parse_label_selector(text)->text(); }

TEST(LabelSelector, MatchesByEveryOperator) {
  const LabelMap labels = {{"app", "web"}, {"tier", "front"}, {"n", "5"}, {"empty", ""}};
  for (const char* text :
       {"", "app", "app=web", "app==web", "app!=db", "!missing", "missing!=x", "app in (web,db)",
        "app notin (db)", "missing notin (a)", "n>4", "n<6", "empty=", "empty in (,a)", "empty in ()",
        " app = web , tier in ( front ) ", "app,tier,!x", "in!=notin"}) {
    EXPECT_TRUE(matches(text, labels)) << text;
  }
  for (const char* text :
       {"missing", "app=db", "!app", "app!=web", "app in (db)", "app notin (web)", "n>5", "n<5",
        "app>1", "missing in (a)", "app=web,tier=back", "app="}) {
    EXPECT_FALSE(matches(text, labels)) << text;
  }
}

TEST(LabelSelector, MatchesLabelsOfATree) {
  Arena arena;
  const Value labels = parse_json(arena, R"({"app":"web"})").value();
  EXPECT_TRUE(parse_label_selector("app=web,!x")->matches(&labels));
  EXPECT_FALSE(parse_label_selector("app=db")->matches(&labels));
  EXPECT_TRUE(parse_label_selector("!app")->matches(static_cast<const Value*>(nullptr)));
}

TEST(LabelSelector, SpeaksOfMistakesAsKubernetesDoes) {
  EXPECT_EQ(label_error("a b"),
            "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt");
  EXPECT_EQ(label_error("a,"), "found '', expected: identifier after ','");
  EXPECT_EQ(label_error(",a"), "found ',', expected: !, identifier, or 'end of string'");
  EXPECT_EQ(label_error("a=b c"), "found 'c', expected: ',' or 'end of string'");
  EXPECT_EQ(label_error("!a=b"), "found '=', expected: ',' or 'end of string'");
  EXPECT_EQ(label_error("a in b"), "unable to parse requirement: found 'b' expected: '('");
  EXPECT_EQ(label_error("a in (b"), "unable to parse requirement: found '', expected: ',' or ')'");
  EXPECT_EQ(label_error("a>x"),
            "unable to parse requirement: values[0]: Invalid value: \"x\": for 'Gt', 'Lt' "
            "operators, the value must be an integer");
  EXPECT_TRUE(label_error("a=-b").starts_with(
      "unable to parse requirement: values[0][a]: Invalid value: \"-b\": a valid label must be an "
      "empty string or consist of"))
      << label_error("a=-b");
  EXPECT_TRUE(label_error("-a=b").starts_with(
      "unable to parse requirement: <nil>: Invalid value: \"-a\": name part must consist of"));
}

TEST(LabelSelector, HasACanonicalText) {
  EXPECT_EQ(canonical(" b in (y,x,y) , a = 1 ,!c, d"), "a=1,b in (x,y),!c,d");
  EXPECT_EQ(canonical("n>1,m!=2"), "m!=2,n>1");
}

TEST(LabelSelector, ComesFromTheStructuredForm) {
  Arena arena;
  const Value spec = parse_json(arena, R"({"matchLabels":{"app":"web"},"matchExpressions":[
      {"key":"tier","operator":"In","values":["a","b"]},{"key":"x","operator":"DoesNotExist"}]})")
                         .value();
  const auto selector = label_selector_of(&spec);
  ASSERT_TRUE(selector);
  EXPECT_TRUE(selector->matches(LabelMap{{"app", "web"}, {"tier", "b"}}));
  EXPECT_FALSE(selector->matches(LabelMap{{"app", "web"}, {"tier", "b"}, {"x", ""}}));
  EXPECT_EQ(selector->text(), "app=web,tier in (a,b),!x");
  const auto none = label_selector_of(static_cast<const Value*>(nullptr));
  EXPECT_FALSE(none->matches(LabelMap{}));
  const Value empty = Value::object();
  EXPECT_TRUE(label_selector_of(&empty)->matches(LabelMap{}));
  EXPECT_EQ(make_label_selector({}, {{"a", "Near", {}}}).error().message,
            "\"Near\" is not a valid label selector operator");
}

TEST(LabelSelector, MapSelectorsNeedEveryLabel) {
  const LabelSelector selector = LabelSelector::from_map({{"a", "1"}, {"b", "2"}});
  EXPECT_TRUE(selector.matches(LabelMap{{"a", "1"}, {"b", "2"}, {"c", "3"}}));
  EXPECT_FALSE(selector.matches(LabelMap{{"a", "1"}}));
}

TEST(LabelSelector, RefusesTooManyRequirements) {
  std::string text = "a";
  for (int i = 0; i < 2000; ++i) text += ",a";
  EXPECT_FALSE(parse_label_selector(text));
}

TEST(LabelSelector, CountsValuesAndNotTheirCommas) {
  const auto with = [](int values) {
    std::string text = "a in (v";
    for (int i = 1; i < values; ++i) text += ",v";
    return label_error(text + ")");
  };
  EXPECT_EQ(with(10'000), "no error");
  const std::string too_many = "a label selector may have at most 10000 values";
  EXPECT_NE(with(10'001).find(too_many), std::string::npos);
  EXPECT_NE(label_error("a in (" + std::string(30'000, ',') + ")").find(too_many),
            std::string::npos);
}

TEST(FieldSelector, MatchesPathsOfATree) {
  Arena arena;
  const Value pod =
      parse_json(arena, R"({"metadata":{"name":"p"},"spec":{"nodeName":"n","x":true},"n":3})")
          .value();
  for (const char* text :
       {"", "metadata.name=p", "metadata.name==p,spec.nodeName!=m", "spec.x=true", "n=3",
        "status.phase=", "status.phase!=Running", "spec.y=false", "metadata.name=p,"}) {
    EXPECT_TRUE(parse_field_selector(text)->matches(pod)) << text;
  }
  for (const char* text : {"metadata.name=q", "spec.nodeName!=n", "spec.x=false"}) {
    EXPECT_FALSE(parse_field_selector(text)->matches(pod)) << text;
  }
}

TEST(FieldSelector, UnescapesValuesAndNamesMistakes) {
  const auto selector = parse_field_selector(R"(a=x\,y\=z\\,b!=c)");
  ASSERT_TRUE(selector);
  EXPECT_EQ(*selector->required_value("a"), R"(x,y=z\)");
  EXPECT_EQ(selector->required_value("b"), nullptr);
  EXPECT_EQ(selector->text(), R"(a=x\,y\=z\\,b!=c)");
  EXPECT_EQ(parse_field_selector("abc").error().message,
            "invalid selector: 'abc'; can't understand 'abc'");
  EXPECT_EQ(parse_field_selector("a=b=c").error().message,
            "invalid field selector: unescaped character in value: =");
  EXPECT_EQ(parse_field_selector("a=\\x").error().message,
            "invalid field selector: invalid escape sequence: \\x");
}

}  // namespace
}  // namespace pinnace::api
