#include "store/object_table.h"

#include <algorithm>
#include <iterator>

namespace pinnace::store {

namespace {

int compare(const ObjectRef& object, std::string_view ns, std::string_view name) {
  const int by_namespace = std::string_view(object->key.ns).compare(ns);
  return by_namespace != 0 ? by_namespace : std::string_view(object->key.name).compare(name);
}

}  // namespace

template <typename IsBefore>
ObjectTable::Position ObjectTable::first_not(const IsBefore& is_before) const {
  const auto chunk = std::partition_point(
      chunks_.begin(), chunks_.end(), [&](const Chunk& each) { return is_before(each.back()); });
  if (chunk == chunks_.end()) return end();
  const auto item = std::partition_point(chunk->begin(), chunk->end(), is_before);
  return {static_cast<std::size_t>(chunk - chunks_.begin()),
          static_cast<std::size_t>(item - chunk->begin())};
}

ObjectTable::Position ObjectTable::lower_bound(std::string_view ns, std::string_view name) const {
  return first_not([&](const ObjectRef& each) { return compare(each, ns, name) < 0; });
}

ObjectTable::Position ObjectTable::upper_bound(std::string_view ns, std::string_view name) const {
  return first_not([&](const ObjectRef& each) { return compare(each, ns, name) <= 0; });
}

ObjectTable::Position ObjectTable::namespace_end(std::string_view ns) const {
  return first_not([&](const ObjectRef& each) { return each->key.ns <= ns; });
}

ObjectRef ObjectTable::find(std::string_view ns, std::string_view name) const {
  const Position at_key = lower_bound(ns, name);
  if (at_key == end() || compare(at(at_key), ns, name) != 0) return nullptr;
  return at(at_key);
}

void ObjectTable::put(ObjectRef object) {
  const Position where = lower_bound(object->key.ns, object->key.name);
  if (where != end() && at(where)->key.name == object->key.name &&
      at(where)->key.ns == object->key.ns) {
    chunks_[where.chunk][where.index] = std::move(object);
    return;
  }
  ++size_;
  if (where == end()) {  // After all others: fill chunks to the brim.
    if (chunks_.empty() || chunks_.back().size() >= kChunk) chunks_.emplace_back();
    chunks_.back().push_back(std::move(object));
    return;
  }
  auto& chunk = chunks_[where.chunk];
  chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(where.index), std::move(object));
  if (chunk.size() <= kChunk) return;
  const auto middle = chunk.begin() + static_cast<std::ptrdiff_t>(chunk.size() / 2);
  Chunk upper(std::make_move_iterator(middle), std::make_move_iterator(chunk.end()));
  chunk.erase(middle, chunk.end());
  chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(where.chunk) + 1, std::move(upper));
}

void ObjectTable::erase(std::string_view ns, std::string_view name) {
  const Position where = lower_bound(ns, name);
  if (where == end() || compare(at(where), ns, name) != 0) return;
  --size_;
  auto& chunk = chunks_[where.chunk];
  chunk.erase(chunk.begin() + static_cast<std::ptrdiff_t>(where.index));
  if (chunk.empty()) {
    chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(where.chunk));
  } else if (chunk.size() < kChunk / 4) {
    merge_small(where.chunk);
  }
}

// Joins a small chunk with its successor while both together leave room to grow.
void ObjectTable::merge_small(std::size_t chunk) {
  if (chunk + 1 >= chunks_.size()) return;
  auto& lower = chunks_[chunk];
  auto& upper = chunks_[chunk + 1];
  if (lower.size() + upper.size() > kChunk / 2) return;
  lower.insert(lower.end(), std::make_move_iterator(upper.begin()),
               std::make_move_iterator(upper.end()));
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(chunk) + 1);
}

void ObjectTable::assign(const std::vector<ObjectRef>& sorted) {
  chunks_.clear();
  size_ = sorted.size();
  for (std::size_t first = 0; first < sorted.size(); first += kChunk) {
    const auto begin = sorted.begin() + static_cast<std::ptrdiff_t>(first);
    const auto count = std::min(kChunk, sorted.size() - first);
    chunks_.emplace_back(begin, begin + static_cast<std::ptrdiff_t>(count));
  }
}

std::size_t ObjectTable::rank(Position position) const {
  std::size_t before = position.index;
  for (std::size_t i = 0; i < position.chunk; ++i) before += chunks_[i].size();
  return before;
}

}  // namespace pinnace::store
