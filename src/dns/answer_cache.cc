#include "dns/answer_cache.h"

#include <algorithm>

#include "dns/dns_message.h"

namespace pinnace::dns {
namespace {

constexpr std::uint32_t kMaxTtl = 30;
// What an entry costs beside its key and bytes.
constexpr std::size_t kEntryOverhead = 200;

std::size_t cost(const std::string& key, const std::string& bytes) {
  return 2 * key.size() + bytes.size() + kEntryOverhead;
}

}  // namespace

std::optional<std::string> AnswerCache::get(const std::string& key, MonotonicTime now) {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  if (found->second->expires <= now) {
    drop(found->second);
    return std::nullopt;
  }
  std::string bytes = found->second->bytes;
  const auto age = static_cast<std::uint32_t>(
      std::chrono::floor<std::chrono::seconds>(now - found->second->stored).count());
  edit_ttls(bytes, [age](std::uint32_t ttl) { return ttl > age ? ttl - age : 0; });
  return bytes;
}

void AnswerCache::put(const std::string& key, std::string bytes, MonotonicTime now) {
  std::uint32_t ttl = kMaxTtl;
  bool any = false;
  const bool whole = edit_ttls(bytes, [&](std::uint32_t given) {
    any = true;
    ttl = std::min(ttl, given);
    return given;
  });
  if (!whole || !any || ttl == 0 || cost(key, bytes) > max_bytes_ / 8) return;
  if (const auto old = by_key_.find(key); old != by_key_.end()) drop(old->second);
  bytes_ += cost(key, bytes);
  entries_.push_back({key, std::move(bytes), now, now + std::chrono::seconds(ttl)});
  by_key_[key] = std::prev(entries_.end());
  while (bytes_ > max_bytes_) drop(entries_.begin());
}

void AnswerCache::drop(std::list<Entry>::iterator entry) {
  bytes_ -= cost(entry->key, entry->bytes);
  by_key_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace pinnace::dns
