#include "kubelet/pod/backoff.h"

#include <algorithm>

namespace pinnace::kubelet {

std::optional<Duration> Backoff::waiting(std::string_view key, WallTime event, WallTime now) const {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found == entries_.end() || expired(event, found->second)) return std::nullopt;
  if (now - event >= found->second.delay) return std::nullopt;
  return found->second.delay;
}

void Backoff::next(std::string_view key, WallTime event, WallTime now) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [&](const auto& item) { return expired(now, item.second); });
  auto [found, is_new] = entries_.try_emplace(std::string(key), Entry{first_, now});
  if (is_new) return;
  Entry& entry = found->second;
  entry.delay = expired(event, entry) ? first_ : std::min(entry.delay * 2, longest_);
  entry.updated = now;
}

void Backoff::reset(std::string_view key) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key);
  if (found != entries_.end()) entries_.erase(found);
}

void Backoff::forget_prefix(std::string_view prefix) {
  const std::lock_guard lock(mutex_);
  auto it = entries_.lower_bound(prefix);
  while (it != entries_.end() && it->first.starts_with(prefix)) it = entries_.erase(it);
}

}  // namespace pinnace::kubelet
