// Sixteen bytes of a text looked at together: who reads or writes JSON spends its time on finding
// the few bytes that mean something.
//
// Comparisons of a block give a mask, a byte of ones for each that holds; masks are joined by `|`.
// Compilers make of it what the processor has; only where a mask begins is asked of x86 in its own
// way, which takes two instructions.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

namespace pinnace {

using ByteBlock = unsigned char __attribute__((vector_size(16)));
using ByteMask = decltype(std::declval<ByteBlock>() == std::declval<ByteBlock>());

// Reads sixteen bytes, which must be there.
inline ByteBlock load_block(const char* from) {
  ByteBlock block;
  std::memcpy(&block, from, sizeof block);
  return block;
}

// The place of the first byte of ones, or sixteen.
inline std::size_t first_of(ByteMask mask) {
#ifdef __SSE2__
  const auto bits = static_cast<unsigned>(_mm_movemask_epi8(reinterpret_cast<__m128i>(mask)));
  return static_cast<std::size_t>(std::countr_zero(bits | 1u << sizeof mask));
#else
  static_assert(std::endian::native == std::endian::little);
  std::uint64_t halves[2];
  std::memcpy(halves, &mask, sizeof halves);
  if (halves[0] != 0) return static_cast<std::size_t>(std::countr_zero(halves[0])) / 8;
  if (halves[1] != 0) return 8 + static_cast<std::size_t>(std::countr_zero(halves[1])) / 8;
  return sizeof mask;
#endif
}

// Whether `mark`, which makes a mask of a block, finds no byte of the text. Spaces may be added to
// what it looks at: they must not be marked.
template <typename Mark>
bool has_none(std::string_view text, Mark mark) {
  const char* const from = text.data();
  const std::size_t size = text.size();
  constexpr std::size_t kBytes = sizeof(ByteBlock);
  if (size >= kBytes) {
    for (std::size_t i = 0; i + kBytes < size; i += kBytes) {
      if (first_of(mark(load_block(from + i))) < kBytes) return false;
    }
    return first_of(mark(load_block(from + size - kBytes))) == kBytes;
  }
  // What is shorter, by two halves that may overlap.
  char block[kBytes];
  std::memset(block, ' ', kBytes);
  if (size >= 8) {
    std::memcpy(block, from, 8);
    std::memcpy(block + 8, from + size - 8, 8);
  } else if (size >= 4) {
    std::memcpy(block, from, 4);
    std::memcpy(block + 4, from + size - 4, 4);
  } else {
    for (std::size_t i = 0; i < size; ++i) block[i] = from[i];
  }
  return first_of(mark(load_block(block))) == kBytes;
}

}  // namespace pinnace
