#include "base/rng.h"

#include <sys/random.h>

#include <mutex>

#include "base/assert.h"

namespace pinnace {

namespace {

// Reads the kernel's source in blocks, so that a uid does not cost a system call.
class RealRng final : public Rng {
 public:
  std::uint64_t next() override {
    std::lock_guard lock(mutex_);
    if (used_ == kBlock) {
      PINNACE_ASSERT(getrandom(block_, sizeof block_, 0) == sizeof block_);
      used_ = 0;
    }
    const std::uint64_t value = block_[used_];
    block_[used_++] = 0;  // A number that was handed out is not kept.
    return value;
  }

 private:
  static constexpr int kBlock = 32;
  std::mutex mutex_;
  std::uint64_t block_[kBlock];
  int used_ = kBlock;
};

// SplitMix64: small, well spread, and the same everywhere.
class SeededRng final : public Rng {
 public:
  explicit SeededRng(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() override {
    std::lock_guard lock(mutex_);
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }

 private:
  std::mutex mutex_;
  std::uint64_t state_;
};

}  // namespace

Rng& real_rng() {
  static RealRng rng;
  return rng;
}

std::unique_ptr<Rng> seeded_rng(std::uint64_t seed) { return std::make_unique<SeededRng>(seed); }

std::string make_uuid(Rng& rng) {
  static constexpr char kHex[] = "0123456789abcdef";
  const std::uint64_t words[2] = {rng.next(), rng.next()};
  std::string text(36, '-');
  char* out = text.data();
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) ++out;
    unsigned value = (words[nibble / 16] >> (4 * (nibble % 16))) & 0xF;
    if (nibble == 12) value = 4;                // The version.
    if (nibble == 16) value = 8 | (value & 3);  // The variant.
    *out++ = kHex[value];
  }
  return text;
}

std::string random_suffix(Rng& rng, int length) {
  static constexpr std::string_view kAlphabet = "bcdfghjklmnpqrstvwxz2456789";
  std::string text;
  for (int i = 0; i < length; ++i) text += kAlphabet[rng.below(kAlphabet.size())];
  return text;
}

}  // namespace pinnace
