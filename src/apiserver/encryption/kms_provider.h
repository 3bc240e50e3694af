// KmsProvider seals values with keys out of a seed that a key management service wraps (KMS v2).
//
// How: a random seed is wrapped once; each value is sealed with a key of its own, derived from the
//   seed and 32 random bytes (HKDF-SHA-256), with AES-256-GCM. When the service's key changes, a
//   new seed is made. Values keep the wrapped seed, and are stale once the service has another key.
// Bounds: two values share key and nonce only when 352 random bits are equal. Seeds that were
//   unwrapped: kMaxSeeds, the oldest forgotten first. A seed seals for kSeedLife after the service
//   was last seen well; then writes fail until it is well again, and reads of known seeds go on.
// Threads: any, at once.
// Source: KEP-3299 (KMS v2).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "apiserver/encryption/key_service.h"
#include "apiserver/encryption/provider.h"
#include "base/clock.h"

namespace pinnace::apiserver::encryption {

class KmsProvider final : public Provider {
 public:
  static constexpr std::size_t kMaxSeeds = 1000;
  static constexpr auto kSeedLife = std::chrono::minutes(3);

  KmsProvider(const std::string& name, std::unique_ptr<KeyService> service, const Clock& clock);

  std::string_view prefix() const override { return prefix_; }
  Result<std::string> seal(std::string_view plain, std::string_view associated) override;
  Result<store::Transformer::Opened> open(std::string_view kept,
                                          std::string_view associated) override;
  // Asks how the service is; makes a new seed when its key is another one, and gives true. To be
  // called well within kSeedLife.
  Result<bool> refresh();

 private:
  Result<std::string> seed_of(const KeyService::Wrapped& wrapped);
  void remember(std::string id, std::string seed);  // Needs the mutex.

  const std::string prefix_;
  const std::unique_ptr<KeyService> service_;
  const Clock& clock_;
  std::mutex refreshing_;  // One refresh at a time; held across calls of the service.
  std::mutex mutex_;
  std::string seed_;
  KeyService::Wrapped wrapped_;
  MonotonicTime expires_;
  std::map<std::string, std::string, std::less<>> seeds_;  // Hash of the wrapped form → seed.
  std::deque<std::string> seed_order_;
};

}  // namespace pinnace::apiserver::encryption
