#include "store/delta.h"

#include <gtest/gtest.h>

#include "base/rng.h"

namespace pinnace::store {
namespace {

std::string restored(std::string_view base, std::string_view delta) {
  std::string out;
  restore(base, delta, out);
  return out;
}

std::string random_text(Rng& rng, std::size_t size, std::uint64_t letters = 64) {
  std::string text(size, ' ');
  for (char& c : text) c = static_cast<char>(' ' + rng.below(letters));
  return text;
}

TEST(Delta, OfSiblingsIsWhatTellsThemApart) {
  const auto rng = seeded_rng(1);
  const std::string common = random_text(*rng, 4000);
  const std::string base = "{\"name\":\"web-aaaaa\"," + common + "\"podIP\":\"10.0.0.1\"}";
  const std::string text = "{\"name\":\"web-bbbbb\"," + common + "\"podIP\":\"10.0.0.254\"}";
  const auto delta = DeltaFinder(base).find(text, 100);
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ(restored(base, *delta), text);
}

TEST(Delta, OfTheSameTextIsOneCopy) {
  const auto rng = seeded_rng(2);
  const std::string base = random_text(*rng, 3000);
  const auto delta = DeltaFinder(base).find(base, 8);
  ASSERT_TRUE(delta.has_value());
  EXPECT_EQ(restored(base, *delta), base);
}

TEST(Delta, IsNoneWhenItWouldBeTooLarge) {
  const auto rng = seeded_rng(3);
  const std::string base = random_text(*rng, 3000), other = random_text(*rng, 3000);
  const DeltaFinder finder(base);
  EXPECT_FALSE(finder.find(other, 2999).has_value());
  const auto whole = finder.find(other, 3010);
  ASSERT_TRUE(whole.has_value());
  EXPECT_EQ(restored(base, *whole), other);
}

TEST(Delta, KnowsTextsShorterThanItsWindow) {
  for (const std::string base : {"", "a", "sixteen letters!", "seventeen letters"}) {
    for (const std::string text : {"", "b", "sixteen letters!", "seventeen letters"}) {
      const auto delta = DeltaFinder(base).find(text, 100);
      ASSERT_TRUE(delta.has_value());
      EXPECT_EQ(restored(base, *delta), text);
    }
  }
}

// Pieces of the base are moved, repeated, cut and mixed with others; few letters make chance
// matches.
TEST(Delta, GivesBackWhatWasMadeOfPiecesInAnyOrder) {
  const auto rng = seeded_rng(4);
  for (int round = 0; round < 400; ++round) {
    const std::uint64_t letters = round % 2 == 0 ? 2 : 64;
    const std::string base = random_text(*rng, rng->below(5000), letters);
    std::string text;
    for (std::uint64_t pieces = rng->below(12); pieces > 0; --pieces) {
      if (rng->below(2) == 0 || base.empty()) {
        text += random_text(*rng, rng->below(300), letters);
      } else {
        text.append(base, rng->below(base.size()), rng->below(600));
      }
    }
    const auto delta = DeltaFinder(base).find(text, text.size() + 4096);
    ASSERT_TRUE(delta.has_value());
    ASSERT_EQ(restored(base, *delta), text) << "round " << round;
  }
}

}  // namespace
}  // namespace pinnace::store
