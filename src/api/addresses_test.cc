#include "api/addresses.h"

#include <gtest/gtest.h>

namespace pinnace::api {
namespace {

std::string after(const char* address, std::uint64_t places) {
  return parse_address(address)->after(places).text();
}

TEST(Addresses, AreCounted) {
  EXPECT_EQ(after("10.0.0.0", 1), "10.0.0.1");
  EXPECT_EQ(after("10.0.0.255", 1), "10.0.1.0");
  EXPECT_EQ(after("10.0.0.0", 65'536 + 7), "10.1.0.7");
  EXPECT_EQ(after("255.255.255.255", 1), "0.0.0.0");
  EXPECT_EQ(after("fd00::ffff", 1), "fd00::1:0");
  EXPECT_EQ(after("2001:db8::", ~0ULL), "2001:db8::ffff:ffff:ffff:ffff");
}

TEST(AddressRanges, HaveAnEndAndHoldOneAnother) {
  const auto range = *parse_range("10.0.0.8/29");
  EXPECT_EQ(range.last().text(), "10.0.0.15");
  EXPECT_EQ(parse_range("fd00::/64")->last().text(), "fd00::ffff:ffff:ffff:ffff");
  EXPECT_TRUE(range.contains(*parse_address("10.0.0.8")));
  EXPECT_FALSE(range.contains(*parse_address("10.0.0.16")));
  EXPECT_FALSE(range.contains(*parse_address("fd00::8")));
  const auto wide = *parse_range("10.0.0.0/24");
  EXPECT_TRUE(wide.contains(range));
  EXPECT_FALSE(range.contains(wide));
  EXPECT_TRUE(range.overlaps(wide));
  EXPECT_FALSE(range.overlaps(*parse_range("10.0.0.16/29")));
}

}  // namespace
}  // namespace pinnace::api
