#include "base/siphash.h"

#include <bit>
#include <cstddef>
#include <cstring>

#include "base/rng.h"

namespace pinnace {
namespace {

static_assert(std::endian::native == std::endian::little, "words are read as they lie in memory");

struct State {
  std::uint64_t v0, v1, v2, v3;

  explicit State(const SipKey& key)
      : v0(key.first ^ 0x736f6d6570736575),
        v1(key.second ^ 0x646f72616e646f6d),
        v2(key.first ^ 0x6c7967656e657261),
        v3(key.second ^ 0x7465646279746573) {}

  void round() {
    v0 += v1;
    v2 += v3;
    v1 = std::rotl(v1, 13) ^ v0;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 = std::rotl(v0, 32);
    v2 += v1;
    v0 += v3;
    v1 = std::rotl(v1, 17) ^ v2;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 = std::rotl(v2, 32);
  }
};

template <int kWordRounds, int kLastRounds>
std::uint64_t siphash(const SipKey& key, std::string_view text) {
  State state(key);
  const auto add = [&state](std::uint64_t word) {
    state.v3 ^= word;
    for (int i = 0; i < kWordRounds; ++i) state.round();
    state.v0 ^= word;
  };
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  const std::uint64_t size = static_cast<std::uint64_t>(text.size()) << 56;
  while (text.size() >= kWord) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data(), kWord);
    add(word);
    text.remove_prefix(kWord);
  }
  std::uint64_t rest = 0;
  if (!text.empty()) std::memcpy(&rest, text.data(), text.size());
  add(size | rest);
  state.v2 ^= 0xff;
  for (int i = 0; i < kLastRounds; ++i) state.round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace

const SipKey& sip_key_of_process() {
  static const SipKey key{real_rng().next(), real_rng().next()};
  return key;
}

std::uint64_t siphash13(const SipKey& key, std::string_view text) {
  return siphash<1, 3>(key, text);
}

std::uint64_t siphash24(const SipKey& key, std::string_view text) {
  return siphash<2, 4>(key, text);
}

}  // namespace pinnace
