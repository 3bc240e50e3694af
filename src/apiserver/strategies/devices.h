// What claims of devices, classes of them and slices share.
//
// Source: kubernetes/pkg/apis/resource/validation/validation.go.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include "apiserver/registry/object_meta.h"
#include "apiserver/strategies/field.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

inline constexpr std::size_t kAnyNumber = SIZE_MAX;

// Looks at each item, unless there are too many.
template <typename Check>
void validate_list(const Field& list, std::size_t max_items, Check check) {
  if (list.size() > max_items) return list.too_many(max_items);
  for (const Field& item : list.items()) check(item);
}

// The same, and then tells which items are there already by their keys, which are JSON.
template <typename Check, typename Key>
void validate_set(const Field& list, std::size_t max_items, Check check, Key key) {
  validate_list(list, max_items, check);
  if (list.size() > max_items) return;
  std::set<std::string> keys;
  for (const Field& item : list.items()) {
    const std::string own = key(item);
    if (!keys.insert(own).second) item.duplicate_value(own);
  }
}

inline std::string own_text(const Field& item) { return quoted(item.text()); }
inline std::string own_name(const Field& item) { return quoted(item["name"].text()); }

// "pool" or "a/b/c", each a subdomain.
void validate_pool_name(const Field& name);
// "name" or "domain/name", complained about at `place`.
void validate_device_name(const Field& place, std::string_view name);
// Conditions under which a device is bound to a node; `owner` has them as members.
void validate_binding_conditions(const Field& owner);
void validate_device_effect(const Field& effect);

}  // namespace pinnace::apiserver
