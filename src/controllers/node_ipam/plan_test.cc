#include "controllers/node_ipam/plan.h"

#include <gtest/gtest.h>

namespace pinnace::controllers::node_ipam {
namespace {

TEST(NodeBlocks, GivesTheLowestFreeBlock) {
  auto blocks = Blocks::create("10.244.0.0/16", 24);
  ASSERT_TRUE(blocks);
  blocks->take("10.244.0.0/24");
  EXPECT_EQ(blocks->allocate(), "10.244.1.0/24");
  EXPECT_EQ(blocks->allocate(), "10.244.2.0/24");
  blocks->release("10.244.1.0/24");
  EXPECT_EQ(blocks->allocate(), "10.244.1.0/24");
}

TEST(NodeBlocks, EndsWhenAllAreTaken) {
  auto blocks = Blocks::create("192.168.4.0/23", 24);
  ASSERT_TRUE(blocks);
  EXPECT_EQ(blocks->allocate(), "192.168.4.0/24");
  EXPECT_EQ(blocks->allocate(), "192.168.5.0/24");
  EXPECT_EQ(blocks->allocate(), std::nullopt);
}

TEST(NodeBlocks, OtherRangesAreIgnored) {
  auto blocks = Blocks::create("10.1.0.0/24", 26);
  ASSERT_TRUE(blocks);
  for (const char* other : {"10.0.0.0/26", "10.1.1.0/26", "10.1.0.0/24", "fd00::/64", "", "x"}) {
    blocks->take(other);
  }
  EXPECT_EQ(blocks->allocate(), "10.1.0.0/26");
}

TEST(NodeBlocks, ARangeMustBeOne) {
  for (const char* bad : {"", "10.0.0.0", "10.0.0/8", "10.0.0.256/8", "10.0.0.0/33", "a.b.c.d/8"}) {
    EXPECT_FALSE(Blocks::create(bad, 24)) << bad;
  }
  EXPECT_FALSE(Blocks::create("10.0.0.0/24", 16));
  EXPECT_FALSE(Blocks::create("10.0.0.0/8", 30));
}

}  // namespace
}  // namespace pinnace::controllers::node_ipam
