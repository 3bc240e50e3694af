// SipHash: a hash of texts that strangers choose. Who does not know the key cannot find many texts
// that fall into one place of a hash table, as they can for std::hash.
//
// Threads: any.
// Source: J.-P. Aumasson, D. J. Bernstein, "SipHash: a fast short-input PRF" (2012).
#pragma once

#include <cstdint>
#include <string_view>

namespace pinnace {

struct SipKey {
  std::uint64_t first = 0, second = 0;
};

// One of this process, drawn by chance when it is first asked for. For what nobody sees, such as
// places in a table: what follows from it is not to be repeated.
const SipKey& sip_key_of_process();

// With one round for each word and three at the end, as hash tables use it.
std::uint64_t siphash13(const SipKey& key, std::string_view text);
// With two and four, as the paper has it.
std::uint64_t siphash24(const SipKey& key, std::string_view text);

}  // namespace pinnace
