#include "base/byte_block.h"

#include <gtest/gtest.h>

#include <string>

namespace pinnace {
namespace {

ByteMask commas(ByteBlock block) { return block == ','; }

TEST(ByteBlock, TellsTheFirstOfThoseThatAreMarked) {
  for (std::size_t at = 0; at < sizeof(ByteBlock); ++at) {
    std::string text(sizeof(ByteBlock), 'x');
    text[at] = text.back() = ',';
    EXPECT_EQ(first_of(commas(load_block(text.data()))), at);
  }
  EXPECT_EQ(first_of(commas(load_block("xxxxxxxxxxxxxxxx"))), sizeof(ByteBlock));
}

TEST(ByteBlock, FindsAMarkedByteWhereverItStands) {
  for (std::size_t size = 0; size < 50; ++size) {
    const std::string plain(size, '\xff');
    EXPECT_TRUE(has_none(plain, commas)) << size;
    for (std::size_t at = 0; at < size; ++at) {
      std::string text = plain;
      text[at] = ',';
      EXPECT_FALSE(has_none(text, commas)) << size << " " << at;
    }
  }
}

}  // namespace
}  // namespace pinnace
