// Lists of a strategic merge patch: finding elements by their merge key, and their order.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "api/value.h"

namespace pinnace::api {

using Items = std::vector<Value>;

Items items_of(const Value& array);
Value array_of(Arena& arena, const Items& items);

// What tells elements apart: the text of the merge key's value, or of the element itself where
// `merge_key` is empty. Empty where the element has none.
std::string identity(const Value& item, std::string_view merge_key);

// The first place of each identity in a list.
class ItemIndex {
 public:
  ItemIndex(const Items& items, std::string_view merge_key);
  static constexpr std::size_t kAbsent = static_cast<std::size_t>(-1);
  std::size_t find(const std::string& id) const;
  void add(const std::string& id, std::size_t place) { places_.emplace(id, place); }

 private:
  std::unordered_map<std::string, std::size_t> places_;
};

// Puts what stands in `patch_order` into its order and fits the rest in between as they stood in
// `server_order`.
Items normalize_order(const Items& merged, const Items& patch_order, const Items& server_order,
                      std::string_view merge_key);

}  // namespace pinnace::api
