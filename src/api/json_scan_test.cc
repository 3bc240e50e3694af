#include "api/json_scan.h"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace pinnace::api {
namespace {

constexpr std::string_view kText =
    R"({"a":{"x":"q\"}\\","y":[1,{"z":"]"}],"b":{"c":true,"d":-1.5e3,"e":null}},"s":"last"})";

std::string_view at(std::initializer_list<std::string_view> path) {
  return find_in_json(kText, {path.begin(), path.size()});
}

TEST(JsonScan, FindsMembersAtAnyDepth) {
  EXPECT_EQ(at({"a", "x"}), R"("q\"}\\")");
  EXPECT_EQ(at({"a", "y"}), R"([1,{"z":"]"}])");
  EXPECT_EQ(at({"a", "b", "c"}), "true");
  EXPECT_EQ(at({"a", "b", "d"}), "-1.5e3");
  EXPECT_EQ(at({"a", "b", "e"}), "null");
  EXPECT_EQ(at({"s"}), R"("last")");
  EXPECT_EQ(at({}), kText);
}

TEST(JsonScan, IsEmptyWhereThePathEnds) {
  EXPECT_EQ(at({"b"}), "");
  EXPECT_EQ(at({"s", "x"}), "");
  EXPECT_EQ(at({"a", "y", "z"}), "");
  EXPECT_EQ(at({"a", "b", "c", "d"}), "");
}

TEST(JsonScan, StaysInsideTruncatedText) {
  const std::array<std::string_view, 3> path{"a", "b", "d"};
  for (std::size_t size = 0; size < kText.size(); ++size) {
    const std::string cut(kText.substr(0, size));  // A copy, so that sanitizers see its end.
    const std::string_view found = find_in_json(cut, path);
    EXPECT_TRUE(found.empty() || std::string_view("-1.5e3").starts_with(found)) << found;
  }
}

}  // namespace
}  // namespace pinnace::api
