#include "api/quantity.h"

#include <gtest/gtest.h>

#include "api/int_or_string.h"

namespace pinnace::api {
namespace {

std::string canonical(std::string_view text) {
  const Result<Quantity> quantity = Quantity::parse(text);
  return quantity ? quantity->format() : quantity.error().message;
}

Quantity quantity(std::string_view text) { return Quantity::parse(text).value(); }

TEST(Quantity, FormatsCanonically) {
  const std::pair<const char*, const char*> cases[] = {
      {"0", "0"},
      {"0n", "0"},
      {"0Gi", "0"},
      {"-0", "0"},
      {"1", "1"},
      {"+1", "1"},
      {"-1", "-1"},
      {"100m", "100m"},
      {"1000m", "1"},
      {"1500m", "1500m"},
      {"0.5", "500m"},
      {".5", "500m"},
      {"5.", "5"},
      {"1.5", "1500m"},
      {"1000", "1k"},
      {"1024", "1024"},
      {"1024Ki", "1Mi"},
      {"1024Mi", "1Gi"},
      {"1.5Gi", "1536Mi"},
      {"0.5Ki", "512"},
      {"2047Mi", "2047Mi"},
      {"1e3", "1e3"},
      {"1E3", "1e3"},
      {"1e-3", "1e-3"},
      {"12e4", "120e3"},
      {"5e0", "5"},
      {"1E", "1E"},
      {"8Ei", "9223372036854775807"},
      {"100k", "100k"},
      {"1234567", "1234567"},
      {"0.0001", "100u"},
      {"0.0000000001", "1n"},
      {"-0.0000000001", "-1n"},
      {"0.1m", "100u"},
      {"1.23456789123", "1234567892n"},
      {"128974848", "128974848"},
      {"129e6", "129e6"},
      {"129M", "129M"},
      {"123Mi", "123Mi"},
      {"9223372036854775807", "9223372036854775807"},
      {"000001", "1"},
      {"99999999999999999999", "9223372036854775807"},
      {"0.000000000000Ei", "0"},
      {"1e1000000000", "9223372036854775807"},
      {"1e-1000000000", "1e-9"},
      {"3.1415926535897932384626433832795Gi", "3373259427"}};
  for (const auto& [text, wanted] : cases) EXPECT_EQ(canonical(text), wanted) << text;
}

TEST(Quantity, RefusesWhatIsNone) {
  const std::string wrong_format =
      "quantities must match the regular expression "
      "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
  for (const char* text : {"", " ", "a", "1 ", " 1", "1.2.3", "-", ".", "1x", "1Gib", "++1",
                           "1e3.5", "0x10", "1_000", "Gi"}) {
    EXPECT_EQ(canonical(text), wrong_format) << text;
  }
  for (const char* text :
       {"1K", "1ki", "1mi", "1e", "1e+", "1kk", "1iG", "1Gi3", "1m-3", "1e--3"}) {
    EXPECT_NE(canonical(text).find("quantit"), std::string::npos) << text;
  }
  EXPECT_EQ(canonical("1K"), "unable to parse quantity's suffix");
}

TEST(Quantity, ValuesRoundUp) {
  EXPECT_EQ(quantity("100m").value(), 1);
  EXPECT_EQ(quantity("-100m").value(), -1);
  EXPECT_EQ(quantity("1Gi").value(), 1073741824);
  EXPECT_EQ(quantity("1.5").milli_value(), 1500);
  EXPECT_EQ(quantity("1u").milli_value(), 1);
  EXPECT_EQ(quantity("8E").milli_value(), INT64_MAX);
}

TEST(Quantity, AddsSubtractsAndComparesExactly) {
  EXPECT_EQ((quantity("0.1") + quantity("0.2")).format(), "300m");
  EXPECT_EQ((quantity("1Gi") - quantity("1Mi")).format(), "1023Mi");
  EXPECT_EQ((Quantity() + quantity("1Gi")).format(), "1Gi");
  EXPECT_EQ(quantity("1000m"), quantity("1"));
  EXPECT_LT(quantity("1G"), quantity("1Gi"));
  EXPECT_EQ((quantity("9223372036854775807") + quantity("1")).value(), INT64_MAX);
  EXPECT_EQ(Quantity::bytes(1 << 20).format(), "1Mi");
  EXPECT_EQ(Quantity::from_milli(250).format(), "250m");
}

TEST(Quantity, CanonicalTextParsesToTheSame) {
  for (const char* text : {"1n", "3e-9", "999999999E", "1.5Ei", "-4Ki", "7e15"}) {
    const Quantity first = quantity(text);
    EXPECT_EQ(quantity(first.format()), first) << text;
    EXPECT_EQ(quantity(first.format()).format(), first.format()) << text;
  }
}

TEST(IntOrString, ScalesPercentages) {
  EXPECT_EQ(scaled_value(IntOrString(3), 10, true).value(), 3);
  EXPECT_EQ(scaled_value(IntOrString::from_string("25%"), 10, true).value(), 3);
  EXPECT_EQ(scaled_value(IntOrString::from_string("25%"), 10, false).value(), 2);
  EXPECT_FALSE(scaled_value(IntOrString::from_string("http"), 10, true));
  EXPECT_FALSE(scaled_value(IntOrString::from_string("x%"), 10, true));
}

TEST(IntOrString, ParsesNumbersAndNames) {
  EXPECT_EQ(IntOrString::parse("8080"), IntOrString(8080));
  EXPECT_EQ(IntOrString::parse("http").text(), "http");
  EXPECT_EQ(IntOrString::from_string("80").as_int(), 80);
  EXPECT_TRUE(IntOrString::parse("99999999999").is_string);
}

}  // namespace
}  // namespace pinnace::api
