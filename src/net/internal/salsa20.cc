#include "net/internal/salsa20.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>

#include "base/assert.h"

namespace pinnace::net::internal {

namespace {

using Words = std::array<std::uint32_t, 16>;
constexpr std::size_t kBlockBytes = 64;

std::uint32_t word_at(std::string_view bytes, std::size_t at) {
  std::uint32_t word = 0;
  for (std::size_t i = 4; i-- > 0;) word = word << 8 | static_cast<unsigned char>(bytes[at + i]);
  return word;
}

void quarter(Words& x, int a, int b, int c, int d) {
  x[b] ^= std::rotl(x[a] + x[d], 7);
  x[c] ^= std::rotl(x[b] + x[a], 9);
  x[d] ^= std::rotl(x[c] + x[b], 13);
  x[a] ^= std::rotl(x[d] + x[c], 18);
}

// Twenty rounds, columns and rows in turn.
void scramble(Words& x) {
  for (int round = 0; round < 10; ++round) {
    quarter(x, 0, 4, 8, 12);
    quarter(x, 5, 9, 13, 1);
    quarter(x, 10, 14, 2, 6);
    quarter(x, 15, 3, 7, 11);
    quarter(x, 0, 1, 2, 3);
    quarter(x, 5, 6, 7, 4);
    quarter(x, 10, 11, 8, 9);
    quarter(x, 15, 12, 13, 14);
  }
}

// The matrix of a key and 16 bytes of input: constants on the diagonal, the key's halves around it.
Words matrix(const std::array<std::uint32_t, 8>& key, const std::array<std::uint32_t, 4>& input) {
  return {0x61707865, key[0],   key[1],     key[2], key[3], 0x3320646e, input[0], input[1],
          input[2],   input[3], 0x79622d32, key[4], key[5], key[6],     key[7],   0x6b206574};
}

}  // namespace

std::string xsalsa20(std::string_view key, std::string_view nonce, std::string_view text) {
  PINNACE_ASSERT(key.size() == 32 && nonce.size() == 24);
  std::array<std::uint32_t, 8> words{};
  for (std::size_t i = 0; i < 8; ++i) words[i] = word_at(key, i * 4);
  // HSalsa20: the first 16 bytes of the nonce turn the key into another one.
  Words x =
      matrix(words, {word_at(nonce, 0), word_at(nonce, 4), word_at(nonce, 8), word_at(nonce, 12)});
  scramble(x);
  const std::array<std::uint32_t, 8> subkey = {x[0], x[5], x[10], x[15], x[6], x[7], x[8], x[9]};

  std::string out(text);
  for (std::size_t at = 0, block = 0; at < out.size(); at += kBlockBytes, ++block) {
    const Words start =
        matrix(subkey, {word_at(nonce, 16), word_at(nonce, 20), static_cast<std::uint32_t>(block),
                        static_cast<std::uint32_t>(std::uint64_t{block} >> 32)});
    Words stream = start;
    scramble(stream);
    const std::size_t count = std::min(kBlockBytes, out.size() - at);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint32_t word = stream[i / 4] + start[i / 4];
      out[at + i] = static_cast<char>(out[at + i] ^ static_cast<char>(word >> (i % 4 * 8)));
    }
  }
  return out;
}

}  // namespace pinnace::net::internal
