#include "base/clock.h"

#include <gtest/gtest.h>

#include <string>

namespace pinnace {
namespace {

TEST(Rfc3339, WritesWhatItReads) {
  for (const std::string text :
       {"2026-11-26T18:05:09Z", "1970-01-01T00:00:00Z", "1969-12-31T23:59:59Z",
        "2000-02-29T12:00:00Z", "2261-01-02T03:04:05Z"}) {
    WallTime time;
    ASSERT_TRUE(parse_rfc3339(text, time)) << text;
    EXPECT_EQ(rfc3339(time), text);
  }
}

TEST(Rfc3339, KeepsMicrosecondsOnly) {
  WallTime time;
  ASSERT_TRUE(parse_rfc3339("2026-11-26T18:05:09.000042999Z", time));
  EXPECT_EQ(rfc3339_micro(time), "2026-11-26T18:05:09.000042Z");
  ASSERT_TRUE(parse_rfc3339("2026-11-26T18:05:09.9Z", time));
  EXPECT_EQ(rfc3339_micro(time), "2026-11-26T18:05:09.900000Z");
}

}  // namespace
}  // namespace pinnace
