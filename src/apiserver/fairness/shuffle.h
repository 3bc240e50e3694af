// Shuffle sharding: deals a flow its hand of distinct queues out of a deck, always the same one for
// the same flow.
//
// Why: two flows rarely share all queues of their hands, so that one which floods its own leaves
//   another a queue where it waits alone.
// Bounds: hands of at most kMaxHandSize cards.
#pragma once

#include <array>
#include <cstdint>
#include <span>

namespace pinnace::apiserver::fairness {

inline constexpr std::uint32_t kMaxHandSize = 16;

// Each card is drawn from those that are left by a digit of `flow` in a falling base.
inline std::span<const std::uint32_t> deal(std::uint64_t flow, std::uint32_t deck,
                                           std::uint32_t hand_size,
                                           std::array<std::uint32_t, kMaxHandSize>& hand) {
  for (std::uint32_t i = 0; i < hand_size; ++i) {
    auto card = static_cast<std::uint32_t>(flow % (deck - i));
    flow /= deck - i;
    // The earlier cards are gone: count past them, the lowest first. `hand` is kept in order.
    std::uint32_t place = 0;
    while (place < i && hand[place] <= card) {
      ++card;
      ++place;
    }
    for (std::uint32_t at = i; at > place; --at) hand[at] = hand[at - 1];
    hand[place] = card;
  }
  return {hand.data(), hand_size};
}

}  // namespace pinnace::apiserver::fairness
