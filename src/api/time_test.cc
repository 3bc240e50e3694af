#include "api/time.h"

#include <gtest/gtest.h>

namespace pinnace::api {
namespace {

using std::chrono::hours;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

TEST(GoDuration, ReadsWhatGoReads) {
  EXPECT_EQ(parse_duration("0"), Duration{0});
  EXPECT_EQ(parse_duration("1h2m3.5s"), Duration(hours(1) + minutes(2) + milliseconds(3500)));
  EXPECT_EQ(parse_duration("-15s"), Duration(-seconds(15)));
  EXPECT_EQ(parse_duration("1.5h"), Duration(minutes(90)));
  EXPECT_EQ(parse_duration("10us"), Duration(microseconds(10)));
  EXPECT_EQ(parse_duration("3\u00b5s"), Duration(microseconds(3)));
  EXPECT_EQ(parse_duration("2540400h10m10.000000001s"),
            Duration(hours(2540400) + minutes(10) + seconds(10) + nanoseconds(1)));
  EXPECT_EQ(parse_duration("-2562047h47m16.854775808s"), Duration::min());
  EXPECT_EQ(parse_duration("0.3333333333333333333h"), Duration(minutes(20)));
}

TEST(GoDuration, RefusesWhatGoRefuses) {
  for (const char* text : {"", "5", "s", "1x", "-", "1h 2m", "99999999999h", "1..5s", ".s",
                           "9223372036854775808ns", "2562048h"}) {
    EXPECT_FALSE(parse_duration(text).has_value()) << text;
  }
}

TEST(GoDuration, WritesAsGoWrites) {
  EXPECT_EQ(format_duration(Duration{0}), "0s");
  EXPECT_EQ(format_duration(nanoseconds(7)), "7ns");
  EXPECT_EQ(format_duration(microseconds(1500)), "1.5ms");
  EXPECT_EQ(format_duration(hours(1)), "1h0m0s");
  EXPECT_EQ(format_duration(minutes(2) + milliseconds(3050)), "2m3.05s");
  EXPECT_EQ(format_duration(-seconds(15)), "-15s");
}

}  // namespace
}  // namespace pinnace::api
