// Rng hands out chance: a real source for the product, a seeded one for tests and simulation.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace pinnace {

// Threads: all methods may be called from any thread.
class Rng {
 public:
  virtual ~Rng() = default;
  virtual std::uint64_t next() = 0;
  // Uniform in [0, bound); bound must not be zero.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
};

// Unpredictable, from the kernel: fit for tokens and keys.
Rng& real_rng();
// The same numbers for the same seed, on every machine.
std::unique_ptr<Rng> seeded_rng(std::uint64_t seed);

// A random RFC 4122 version 4 UUID, as in metadata.uid.
std::string make_uuid(Rng& rng);
// Letters and digits that spell no words (Kubernetes' alphabet "bcdfghjklmnpqrstvwxz2456789"), for
// generateName and pod-template hashes.
std::string random_suffix(Rng& rng, int length = 5);

}  // namespace pinnace
