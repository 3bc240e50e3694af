// AnswerCache remembers the answers of other resolvers until their TTLs end.
//
// Threads: one at a time.
// Bounds: `max_bytes` of answers; the oldest go first. An answer lives at most 30 s.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/clock.h"

namespace pinnace::dns {

class AnswerCache {
 public:
  explicit AnswerCache(std::size_t max_bytes = 2u << 20) : max_bytes_(max_bytes) {}

  // The answer with its TTLs lowered by the time that passed; its message id is not the asker's.
  std::optional<std::string> get(const std::string& key, MonotonicTime now);
  // Keeps answers that have a record with a TTL above 0; of negative ones that is the SOA.
  void put(const std::string& key, std::string bytes, MonotonicTime now);
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key, bytes;
    MonotonicTime stored, expires;
  };
  void drop(std::list<Entry>::iterator entry);

  const std::size_t max_bytes_;
  std::size_t bytes_ = 0;
  std::list<Entry> entries_;  // Oldest first.
  std::unordered_map<std::string, std::list<Entry>::iterator> by_key_;
};

}  // namespace pinnace::dns
