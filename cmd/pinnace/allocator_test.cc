#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>
#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

namespace pinnace {
namespace {

template <typename T>
T ask(const char* name) {
  T value{};
  std::size_t size = sizeof value;
  EXPECT_EQ(mallctl(name, &value, &size, nullptr, 0), 0) << name;
  return value;
}

std::size_t resident_bytes() {
  std::uint64_t epoch = 1;  // What is asked for is as old as the last time that this was said.
  EXPECT_EQ(mallctl("epoch", nullptr, nullptr, &epoch, sizeof epoch), 0);
  return ask<std::size_t>("stats.resident");
}

TEST(Allocator, TakesItsSettings) {
  EXPECT_TRUE(ask<bool>("opt.background_thread"));
  EXPECT_EQ(ask<ssize_t>("opt.dirty_decay_ms"), 1000);
  EXPECT_EQ(ask<ssize_t>("opt.muzzy_decay_ms"), 0);
}

TEST(Allocator, GivesBackWhatABurstLeftWhenNothingIsAllocatedAnyMore) {
  constexpr std::size_t kPieces = 64 << 10, kPieceBytes = 1 << 10, kMegabyte = 1 << 20;
  const std::size_t before = resident_bytes();
  std::vector<std::unique_ptr<char[]>> pieces;
  for (std::size_t i = 0; i < kPieces; ++i) {
    pieces.push_back(std::make_unique<char[]>(kPieceBytes));
  }
  ASSERT_GT(resident_bytes(), before + kPieces * kPieceBytes);
  pieces.clear();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (resident_bytes() > before + 8 * kMegabyte && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  EXPECT_LE(resident_bytes(), before + 8 * kMegabyte);
}

}  // namespace
}  // namespace pinnace
