// Lists of texts as the API has them, to and from C++.
#pragma once

#include <string>
#include <vector>

#include "api/value.h"

namespace pinnace::apiserver {

// The texts of an array; empty for nullptr and for what is no array, without what is no text.
inline std::vector<std::string> texts_of(const api::Value* list) {
  std::vector<std::string> out;
  if (list == nullptr || !list->is_array()) return out;
  for (const auto& item : list->items()) {
    if (item.is_string()) out.emplace_back(item.as_string());
  }
  return out;
}

inline api::Value text_list(api::Arena& arena, const std::vector<std::string>& list) {
  api::Value out = api::Value::array();
  for (const auto& item : list) out.append(arena, api::Value::string(arena, item));
  return out;
}

}  // namespace pinnace::apiserver
