#include "store/object_table.h"

#include <algorithm>
#include <iterator>

#include "base/siphash.h"

namespace pinnace::store {

namespace {

int compare(const ObjectRef& object, std::string_view ns, std::string_view name) {
  const int by_namespace = std::string_view(object->key.ns).compare(ns);
  return by_namespace != 0 ? by_namespace : std::string_view(object->key.name).compare(name);
}

}  // namespace

std::size_t ObjectTable::Hash::operator()(const Name& name) const {
  // Names are their creators' choice.
  const SipKey& key = sip_key_of_process();
  return siphash13({key.first ^ siphash13(key, name.ns), key.second}, name.name);
}

template <typename IsBefore>
ObjectTable::Position ObjectTable::first_not(const IsBefore& is_before) const {
  const auto chunk = std::partition_point(chunks_.begin(), chunks_.end(), [&](const Chunk& each) {
    return is_before(each.back()->object);
  });
  if (chunk == chunks_.end()) return end();
  const auto item = std::partition_point(
      chunk->begin(), chunk->end(), [&](const Entry* each) { return is_before(each->object); });
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
  const auto found = entries_.find(Name{ns, name});
  return found == entries_.end() ? nullptr : found->object;
}

void ObjectTable::put(ObjectRef object) {
  const auto found = entries_.find(Name{object->key.ns, object->key.name});
  if (found != entries_.end()) {
    found->object = std::move(object);
  } else {
    insert_in_order(&*entries_.insert({std::move(object)}).first);
  }
}

void ObjectTable::insert_in_order(const Entry* entry) {
  const Name name = *entry;
  const Position where = lower_bound(name.ns, name.name);
  if (where == end()) {  // After all others: fill chunks to the brim.
    if (chunks_.empty() || chunks_.back().size() >= kChunk) chunks_.emplace_back();
    chunks_.back().push_back(entry);
    return;
  }
  auto& chunk = chunks_[where.chunk];
  chunk.insert(chunk.begin() + static_cast<std::ptrdiff_t>(where.index), entry);
  if (chunk.size() <= kChunk) return;
  const auto middle = chunk.begin() + static_cast<std::ptrdiff_t>(chunk.size() / 2);
  Chunk upper(middle, chunk.end());
  chunk.erase(middle, chunk.end());
  chunks_.insert(chunks_.begin() + static_cast<std::ptrdiff_t>(where.chunk) + 1, std::move(upper));
}

void ObjectTable::erase(std::string_view ns, std::string_view name) {
  const auto found = entries_.find(Name{ns, name});
  if (found == entries_.end()) return;
  const Position where = lower_bound(ns, name);
  entries_.erase(found);
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
  lower.insert(lower.end(), upper.begin(), upper.end());
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(chunk) + 1);
}

void ObjectTable::assign(const std::vector<ObjectRef>& sorted) {
  chunks_.clear();
  entries_.clear();
  entries_.reserve(sorted.size());
  for (const ObjectRef& object : sorted) {
    if (chunks_.empty() || chunks_.back().size() == kChunk) {
      chunks_.emplace_back().reserve(std::min(kChunk, sorted.size() - entries_.size()));
    }
    chunks_.back().push_back(&*entries_.insert({object}).first);
  }
}

std::size_t ObjectTable::rank(Position position) const {
  std::size_t before = position.index;
  for (std::size_t i = 0; i < position.chunk; ++i) before += chunks_[i].size();
  return before;
}

}  // namespace pinnace::store
