#include "api/json_path.h"

#include <gtest/gtest.h>

#include "api/json.h"

namespace pinnace::api {
namespace {

std::string found(std::string_view path) {
  Arena arena;
  const Value object = parse_json(arena, R"({"spec":{"n":1,"a.b":"dot","l":[{"t":"x","v":1},
      {"t":"Ready","v":2},{"t":"y","v":3}],"m":{"k":"v"}}})")
                           .value();
  const auto parsed = JsonPath::parse(path);
  if (!parsed) return "no path";
  std::string out;
  for (const Value* value : parsed->find(object)) out += to_json_text(*value) + " ";
  return out;
}

TEST(JsonPathTest, LeadsToValues) {
  EXPECT_EQ(found(".spec.n"), "1 ");
  EXPECT_EQ(found("{.spec.n}"), "1 ");
  EXPECT_EQ(found("$.spec['a.b']"), "\"dot\" ");
  EXPECT_EQ(found(R"(.spec.a\.b)"), "\"dot\" ");
  EXPECT_EQ(found(".spec.l[1].v"), "2 ");
  EXPECT_EQ(found(".spec.l[-1].v"), "3 ");
  EXPECT_EQ(found(".spec.l[*].v"), "1 2 3 ");
  EXPECT_EQ(found(".spec.l[0:2].v"), "1 2 ");
  EXPECT_EQ(found(R"(.spec.l[?(@.t=="Ready")].v)"), "2 ");
  EXPECT_EQ(found(".spec.l[?(@.v>1)].t"), "\"Ready\" \"y\" ");
  EXPECT_EQ(found("..k"), "\"v\" ");
  EXPECT_EQ(found(".spec.nothing.at.all"), "");
}

TEST(JsonPathTest, RefusesWhatIsNone) {
  for (const char* text : {"spec", ".spec[", ".spec[x]", ".l[?(@.a==)]", ".a..", ".l['a]"}) {
    EXPECT_EQ(found(text), "no path") << text;
  }
}

}  // namespace
}  // namespace pinnace::api
