// What the rules for schemas of definitions share.
#pragma once

#include <string_view>

#include "apiserver/strategies/field.h"

namespace pinnace::apiserver {

inline constexpr std::string_view kEmbedded = "x-kubernetes-embedded-resource";
inline constexpr std::string_view kIntOrString = "x-kubernetes-int-or-string";
inline constexpr std::string_view kPreserve = "x-kubernetes-preserve-unknown-fields";
inline constexpr std::string_view kListType = "x-kubernetes-list-type";
inline constexpr std::string_view kListKeys = "x-kubernetes-list-map-keys";
inline constexpr std::string_view kMapType = "x-kubernetes-map-type";
inline constexpr std::string_view kRules = "x-kubernetes-validations";

inline bool is_object(const Field& field) { return field.is_set() && field.value()->is_object(); }

// Null for what is not there or is null.
inline const api::Value* find_set(const api::Value& object, std::string_view key) {
  const api::Value* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

template <typename Visit>
void each_property(const Field& schema, const Visit& visit) {
  for (const auto& [name, property] : schema["properties"].entries()) visit(name, property);
}

}  // namespace pinnace::apiserver
