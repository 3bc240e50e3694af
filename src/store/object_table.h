// ObjectTable holds the live objects of one resource in key order (namespace, then name).
//
// Shape: a sorted list of sorted chunks of at most kChunk references. Finding is a binary search;
//   a list copies neighbours in memory; ranks (for "how many are left") add up chunk sizes.
// Threads: none of its own.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "store/store.h"

namespace pinnace::store {

class ObjectTable {
 public:
  struct Position {
    std::size_t chunk = 0, index = 0;
    bool operator==(const Position&) const = default;
  };

  std::size_t size() const { return size_; }
  // Null when there is none.
  ObjectRef find(std::string_view ns, std::string_view name) const;
  void put(ObjectRef object);
  void erase(std::string_view ns, std::string_view name);
  // Replaces everything; `sorted` must be in key order.
  void assign(const std::vector<ObjectRef>& sorted);

  // The first object that is not before (ns, name); `end()` when there is none.
  Position lower_bound(std::string_view ns, std::string_view name) const;
  // The first object after (ns, name).
  Position upper_bound(std::string_view ns, std::string_view name) const;
  // The first object after the whole namespace.
  Position namespace_end(std::string_view ns) const;
  Position begin() const { return {}; }
  Position end() const { return {chunks_.size(), 0}; }
  const ObjectRef& at(Position position) const { return chunks_[position.chunk][position.index]; }
  Position next(Position position) const {
    if (++position.index == chunks_[position.chunk].size()) position = {position.chunk + 1, 0};
    return position;
  }
  // Not of `begin`.
  Position previous(Position position) const {
    if (position.index > 0) return {position.chunk, position.index - 1};
    return {position.chunk - 1, chunks_[position.chunk - 1].size() - 1};
  }
  // How many objects are before the position.
  std::size_t rank(Position position) const;

 private:
  static constexpr std::size_t kChunk = 256;
  using Chunk = std::vector<ObjectRef>;
  template <typename IsBefore>
  Position first_not(const IsBefore& is_before) const;
  void merge_small(std::size_t chunk);

  std::vector<Chunk> chunks_;  // None is empty.
  std::size_t size_ = 0;
};

}  // namespace pinnace::store
