// The allocator of node ports. A number is held by a stored Service, or taken by a write that is
// under way, and given back when that is over.
//
// Threads: any. Bounds: two bits for each port of the range.
#pragma once

#include <cstdint>
#include <mutex>
#include <vector>

#include "base/rng.h"

namespace pinnace::apiserver {

class NumberSet {
 public:
  explicit NumberSet(std::size_t size) : held_(size), taken_(size) {}
  void hold(std::size_t index, bool is_held);
  void release_all();  // None is held any more.
  bool take(std::size_t index);
  void give_back(std::size_t index);
  // A free one at or above `from`, found from a random place; false when all are taken.
  bool take_any(Rng& rng, std::size_t from, std::size_t& index);

 private:
  std::mutex mutex_;
  std::vector<bool> held_, taken_;
};

class PortAllocator {
 public:
  PortAllocator(int first, int last, Rng& rng)
      : first_(first), last_(last), set_(static_cast<std::size_t>(last - first + 1)), rng_(rng) {}
  bool contains(std::int64_t port) const { return port >= first_ && port <= last_; }
  void hold(std::int64_t port, bool is_held) {
    if (contains(port)) set_.hold(static_cast<std::size_t>(port - first_), is_held);
  }
  void release_all() { set_.release_all(); }
  bool take(std::int64_t port) { return set_.take(static_cast<std::size_t>(port - first_)); }
  void give_back(std::int64_t port) {
    if (contains(port)) set_.give_back(static_cast<std::size_t>(port - first_));
  }
  // 0 when the range is full.
  int take_any();
  int first() const { return first_; }
  int last() const { return last_; }

 private:
  int first_, last_;
  NumberSet set_;
  Rng& rng_;
};

}  // namespace pinnace::apiserver
