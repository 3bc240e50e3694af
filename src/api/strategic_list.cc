#include "api/strategic_list.h"

#include <algorithm>

#include "api/json.h"

namespace pinnace::api {

Items items_of(const Value& array) {
  if (!array.is_array()) return {};
  return {array.items().begin(), array.items().end()};
}

Value array_of(Arena& arena, const Items& items) {
  Value array = Value::array();
  array.reserve_entries(arena, items.size());
  for (const Value& item : items) array.append(arena, item);
  return array;
}

std::string identity(const Value& item, std::string_view merge_key) {
  if (merge_key.empty()) return to_json_text(item);
  const Value* key = item.find(merge_key);
  return key == nullptr ? std::string() : to_json_text(*key);
}

ItemIndex::ItemIndex(const Items& items, std::string_view merge_key) {
  for (std::size_t i = 0; i < items.size(); ++i) places_.emplace(identity(items[i], merge_key), i);
}

std::size_t ItemIndex::find(const std::string& id) const {
  const auto found = places_.find(id);
  return found == places_.end() ? kAbsent : found->second;
}

namespace {

struct Ranked {
  Value item;
  std::size_t rank;         // In the order that sorts its half.
  std::size_t server_rank;  // In the server's order.
};

void sort_by_rank(std::vector<Ranked>& items) {
  std::ranges::stable_sort(items, {}, &Ranked::rank);
}

}  // namespace

Items normalize_order(const Items& merged, const Items& patch_order, const Items& server_order,
                      std::string_view merge_key) {
  const ItemIndex by_patch(patch_order, merge_key);
  const ItemIndex by_server(server_order, merge_key);
  std::vector<Ranked> patched;
  std::vector<Ranked> server_only;
  for (const Value& item : merged) {
    const std::string id = identity(item, merge_key);
    const std::size_t patch_rank = by_patch.find(id);
    const std::size_t server_rank = by_server.find(id);
    if (patch_rank != ItemIndex::kAbsent) {
      patched.push_back({item, patch_rank, server_rank});
    } else {
      server_only.push_back({item, server_rank, server_rank});
    }
  }
  sort_by_rank(patched);
  sort_by_rank(server_only);
  Items result;
  std::size_t left = 0;
  std::size_t right = 0;
  while (left < server_only.size() || right < patched.size()) {
    bool take_left = right == patched.size();
    if (!take_left && left < server_only.size()) {
      const std::size_t left_rank = server_only[left].server_rank;
      const std::size_t right_rank = patched[right].server_rank;
      take_left = left_rank != ItemIndex::kAbsent && right_rank != ItemIndex::kAbsent &&
                  left_rank < right_rank;
    }
    result.push_back(take_left ? server_only[left++].item : patched[right++].item);
  }
  return result;
}

}  // namespace pinnace::api
