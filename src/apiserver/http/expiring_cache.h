// ExpiringCache keeps answers for a while: what others said, by a hash of what they were asked.
//
// Threads: any. Bounds: `capacity` entries; when it is full the one that was put first goes.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/clock.h"

namespace pinnace::apiserver {

template <typename T>
class ExpiringCache {
 public:
  explicit ExpiringCache(std::size_t capacity) : capacity_(capacity) {}

  std::optional<T> get(const std::string& key, MonotonicTime now) {
    const std::lock_guard lock(mutex_);
    const auto found = index_.find(key);
    if (found == index_.end()) return {};
    if (found->second->expires <= now) {
      entries_.erase(found->second);
      index_.erase(found);
      return {};
    }
    return found->second->value;
  }

  void put(const std::string& key, T value, MonotonicTime expires) {
    const std::lock_guard lock(mutex_);
    if (const auto found = index_.find(key); found != index_.end()) {
      entries_.erase(found->second);
      index_.erase(found);
    }
    if (entries_.size() >= capacity_) {
      index_.erase(entries_.front().key);
      entries_.pop_front();
    }
    entries_.push_back({key, std::move(value), expires});
    index_.emplace(key, std::prev(entries_.end()));
  }

 private:
  struct Entry {
    std::string key;
    T value;
    MonotonicTime expires;
  };
  const std::size_t capacity_;
  std::mutex mutex_;
  std::list<Entry> entries_;  // As they were put.
  std::unordered_map<std::string, typename std::list<Entry>::iterator> index_;
};

}  // namespace pinnace::apiserver
