#include "base/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace pinnace {
namespace {

// Of the bytes 0, 1, 2 ...
std::string counting(std::size_t size) {
  std::string out;
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(i);
  return out;
}

constexpr SipKey kCounting{0x0706050403020100, 0x0f0e0d0c0b0a0908};

TEST(SipHash, IsThatOfThePaper) {
  // Of its appendix A, and two of the reference program.
  EXPECT_EQ(siphash24(kCounting, counting(15)), 0xa129ca6149be45e5u);
  EXPECT_EQ(siphash24(kCounting, ""), 0x726fdb47dd0e0e31u);
  EXPECT_EQ(siphash24(kCounting, counting(8)), 0x93f5f5799a932462u);
}

TEST(SipHash, DependsOnTheKeyAndOnEveryByte) {
  EXPECT_NE(siphash13(kCounting, "a"), siphash13({}, "a"));
  EXPECT_NE(siphash13(kCounting, "a"), siphash13(kCounting, std::string_view("a\0", 2)));
  for (std::size_t at = 0; at < 20; ++at) {
    std::string text = counting(20);
    text[at] = 'x';
    EXPECT_NE(siphash13(kCounting, text), siphash13(kCounting, counting(20))) << at;
  }
}

TEST(SipHash, TheKeyOfTheProcessStaysTheSame) {
  EXPECT_EQ(siphash13(sip_key_of_process(), "a"), siphash13(sip_key_of_process(), "a"));
}

}  // namespace
}  // namespace pinnace
