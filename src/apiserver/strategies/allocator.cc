#include "apiserver/strategies/allocator.h"

#include <algorithm>

namespace pinnace::apiserver {
void NumberSet::hold(std::size_t index, bool is_held) {
  const std::lock_guard lock(mutex_);
  if (index < held_.size()) held_[index] = is_held;
}

void NumberSet::release_all() {
  const std::lock_guard lock(mutex_);
  held_.assign(held_.size(), false);
}

bool NumberSet::take(std::size_t index) {
  const std::lock_guard lock(mutex_);
  if (index >= held_.size() || held_[index] || taken_[index]) return false;
  taken_[index] = true;
  return true;
}

void NumberSet::give_back(std::size_t index) {
  const std::lock_guard lock(mutex_);
  if (index < taken_.size()) taken_[index] = false;
}

bool NumberSet::take_any(Rng& rng, std::size_t from, std::size_t& index) {
  const std::lock_guard lock(mutex_);
  const std::size_t span = held_.size() - from;
  const std::size_t start = rng.below(span);
  for (std::size_t i = 0; i < span; ++i) {
    index = from + (start + i) % span;
    if (held_[index] || taken_[index]) continue;
    taken_[index] = true;
    return true;
  }
  return false;
}

int PortAllocator::take_any() {
  std::size_t index = 0;
  const std::size_t size = static_cast<std::size_t>(last_ - first_ + 1);
  const std::size_t reserved = size >= 128 ? std::min<std::size_t>(128, size / 32) : 0;
  if (!set_.take_any(rng_, reserved, index) && !set_.take_any(rng_, 0, index)) return 0;
  return first_ + static_cast<int>(index);
}

}  // namespace pinnace::apiserver
