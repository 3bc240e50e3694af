// QuotaLedger knows the objects that were admitted and are not stored yet.
//
// Why: two creations at once must not both take the last place of a quota.
// Threads: any; `lock` while counting and adding.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>

#include "store/store.h"

namespace pinnace::apiserver {

class QuotaLedger {
 public:
  struct Entry {
    store::Key key;
    std::string json;
  };
  using Ticket = std::list<Entry>::iterator;

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  // With the lock held.
  Ticket add(store::Key key, std::string json) {
    return entries_.insert(entries_.end(), {std::move(key), std::move(json)});
  }
  const std::list<Entry>& entries() const { return entries_; }
  // Without it: the object is stored now, or will not be.
  void settle(Ticket ticket) {
    const std::lock_guard guard(mutex_);
    entries_.erase(ticket);
  }

 private:
  std::mutex mutex_;
  std::list<Entry> entries_;
};

}  // namespace pinnace::apiserver
