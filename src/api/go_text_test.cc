#include "api/go_text.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

namespace pinnace::api {
namespace {

TEST(GoText, QuotesAsPrintfDoes) {
  const std::pair<std::string, const char*> cases[] = {
      {"a\"b\\c\n\r\t\x01\x7f", R"("a\"b\\c\n\r\t\x01\x7f")"},
      {"ü€😀", R"("ü€😀")"},
      {"\u00a0\u00ad\u2028\u200b\u3000\ufeff", R"("\u00a0\u00ad\u2028\u200b\u3000\ufeff")"},
      {"\U000e0041\U0010ffff", R"("\U000e0041\U0010ffff")"},
      {"\xff\xe2\x82x", R"("\xff\xe2\x82x")"},
  };
  for (const auto& [text, quoted] : cases) EXPECT_EQ(go_quoted(text), quoted);
}

TEST(GoText, PrintsNumbersAsPrintfDoes) {
  const std::pair<double, const char*> cases[] = {
      {1.5, "1.5"},       {100000, "100000"},
      {1e6, "1e+06"},     {12345678901234567890.0, "1.2345678901234567e+19"},
      {1e30, "1e+30"},    {0.0001, "0.0001"},
      {0.00001, "1e-05"}, {-0.0, "-0"}};
  for (const auto& [number, text] : cases) EXPECT_EQ(go_text(Value::number(number), false), text);
}

}  // namespace
}  // namespace pinnace::api
