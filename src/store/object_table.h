// ObjectTable holds the live objects of one resource by key, and in key order (namespace, name).
//
// Shape: a hash table of the objects, and a sorted list of sorted chunks of at most kChunk pointers
//   into it. An object is found, and replaced by its next version, without a search in the order,
//   whose every step would miss the caches several times; a list walks the chunks; ranks (for "how
//   many are left") add up chunk sizes.
// Threads: none of its own.
#pragma once

#include <cstddef>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "store/store.h"

namespace pinnace::store {

class ObjectTable {
 public:
  struct Position {
    std::size_t chunk = 0, index = 0;
    bool operator==(const Position&) const = default;
  };

  std::size_t size() const { return entries_.size(); }
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
  const ObjectRef& at(Position position) const {
    return chunks_[position.chunk][position.index]->object;
  }
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
  struct Name {
    std::string_view ns, name;
    bool operator==(const Name&) const = default;
  };
  struct Entry {
    mutable ObjectRef object;  // Replaced by versions of the same name only.
    // NOLINTNEXTLINE(google-explicit-constructor): an entry stands for its name in Hash and Equal.
    operator Name() const { return {object->key.ns, object->key.name}; }
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(const Name& name) const;
  };
  struct Equal {
    using is_transparent = void;
    bool operator()(const Name& a, const Name& b) const { return a == b; }
  };
  using Chunk = std::vector<const Entry*>;
  template <typename IsBefore>
  Position first_not(const IsBefore& is_before) const;
  void insert_in_order(const Entry* entry);
  void merge_small(std::size_t chunk);

  std::unordered_set<Entry, Hash, Equal> entries_;  // Their places do not change.
  std::vector<Chunk> chunks_;                       // None is empty.
};

}  // namespace pinnace::store
