#include "store/memory_journal.h"

#include <utility>

namespace pinnace::store {

void MemoryDisk::remember(const std::string& key) {
  const auto found = pairs_.find(key);
  const bool existed = found != pairs_.end();
  unsynced_.push_back({key, existed, existed ? found->second : std::string()});
}

std::shared_ptr<MemoryDisk> MemoryDisk::after_power_loss() const {
  std::lock_guard lock(mutex_);
  auto left = std::make_shared<MemoryDisk>();
  left->pairs_ = pairs_;
  for (auto undo = unsynced_.rbegin(); undo != unsynced_.rend(); ++undo) {
    if (undo->existed) {
      left->pairs_[undo->key] = undo->value;
    } else {
      left->pairs_.erase(undo->key);
    }
  }
  return left;
}

std::uint64_t MemoryDisk::syncs() const {
  std::lock_guard lock(mutex_);
  return syncs_;
}

std::uint64_t MemoryDisk::writes() const {
  std::lock_guard lock(mutex_);
  return writes_;
}

std::size_t MemoryDisk::entries() const {
  std::lock_guard lock(mutex_);
  return pairs_.size();
}

void MemoryDisk::break_down() {
  std::lock_guard lock(mutex_);
  broken_ = true;
}

Result<void> MemoryJournal::write(const Batch& batch, bool sync) {
  std::lock_guard lock(disk_->mutex_);
  if (disk_->broken_) return errors::internal("the memory disk is broken");
  ++disk_->writes_;
  for (const auto& put : batch.puts) {
    if (!sync) disk_->remember(put.key);
    disk_->pairs_[put.key] = put.head + std::string(put.body);
  }
  for (const auto& key : batch.removals) {
    if (!sync) disk_->remember(key);
    disk_->pairs_.erase(key);
  }
  if (sync) {
    ++disk_->syncs_;
    disk_->unsynced_.clear();
  }
  return {};
}

Result<void> MemoryJournal::scan(const Visit& visit) {
  std::lock_guard lock(disk_->mutex_);
  for (const auto& [key, value] : disk_->pairs_) {
    if (auto visited = visit(key, value); !visited) return visited;
  }
  return {};
}

}  // namespace pinnace::store
