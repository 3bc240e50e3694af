// MemoryJournal keeps a journal in memory, on a MemoryDisk that outlives it.
//
// Why: tests restart a store, with or without a loss of power, in microseconds.
// Threads: MemoryDisk from any thread; MemoryJournal as Journal.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "store/journal.h"

namespace pinnace::store {

class MemoryDisk {
 public:
  // The disk as a loss of power now would leave it: without what came after the last sync.
  std::shared_ptr<MemoryDisk> after_power_loss() const;
  std::uint64_t syncs() const;
  std::uint64_t writes() const;
  std::size_t entries() const;
  // Every write from now on fails.
  void break_down();

 private:
  friend class MemoryJournal;
  // What a key held before a write that is not synced yet.
  struct Undo {
    std::string key;
    bool existed = false;
    std::string value;
  };
  void remember(const std::string& key);
  mutable std::mutex mutex_;
  std::map<std::string, std::string, std::less<>> pairs_;
  std::vector<Undo> unsynced_;
  std::uint64_t syncs_ = 0, writes_ = 0;
  bool broken_ = false;
};

class MemoryJournal final : public Journal {
 public:
  explicit MemoryJournal(std::shared_ptr<MemoryDisk> disk) : disk_(std::move(disk)) {}
  Result<void> write(const Batch& batch, bool sync) override;
  Result<void> scan(const Visit& visit) override;
  Result<void> purge() override { return {}; }

 private:
  std::shared_ptr<MemoryDisk> disk_;
};

}  // namespace pinnace::store
