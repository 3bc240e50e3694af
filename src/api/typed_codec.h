// The tables by which typed.cc reads and writes the generated structs.
//
// Why: one table-driven decoder and encoder instead of code for each of a thousand members. A
//   table names a member's offset and its schema field; the field says how it stands in JSON.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "api/schema.h"
#include "api/typed_members.h"

namespace pinnace::api::detail {

enum class Holder : std::uint8_t { kPlain, kOptional, kList, kMap };

// What can be done to a member that holds elements, whatever their type.
struct HolderOps {
  // A new element at the end, under `key`, or in the optional.
  void* (*add)(void* holder, std::string_view key);
  std::size_t (*size)(const void* holder);
  // Calls `visit` with each element and, in maps, its key.
  void (*each)(const void* holder, void* context,
               void (*visit)(void* context, std::string_view key, const void* element));
};

template <typename H>
struct HolderOpsOf;

template <typename T>
struct HolderOpsOf<std::vector<T>> {
  static_assert(!std::is_same_v<T, bool>, "std::vector<bool> has no elements to point to");
  static void* add(void* holder, std::string_view) {
    return &static_cast<std::vector<T>*>(holder)->emplace_back();
  }
  static std::size_t size(const void* holder) {
    return static_cast<const std::vector<T>*>(holder)->size();
  }
  static void each(const void* holder, void* context,
                   void (*visit)(void*, std::string_view, const void*)) {
    for (const T& element : *static_cast<const std::vector<T>*>(holder)) {
      visit(context, {}, &element);
    }
  }
};

template <typename T>
struct HolderOpsOf<std::map<std::string, T, std::less<>>> {
  using Map = std::map<std::string, T, std::less<>>;
  static void* add(void* holder, std::string_view key) {
    return &(*static_cast<Map*>(holder))[std::string(key)];
  }
  static std::size_t size(const void* holder) { return static_cast<const Map*>(holder)->size(); }
  static void each(const void* holder, void* context,
                   void (*visit)(void*, std::string_view, const void*)) {
    for (const auto& [key, element] : *static_cast<const Map*>(holder)) {
      visit(context, key, &element);
    }
  }
};

template <typename Optional>
struct OptionalOps {
  static void* add(void* holder, std::string_view) {
    return &static_cast<Optional*>(holder)->emplace();
  }
  static std::size_t size(const void* holder) {
    return static_cast<const Optional*>(holder)->has_value() ? 1 : 0;
  }
  static void each(const void* holder, void* context,
                   void (*visit)(void*, std::string_view, const void*)) {
    const auto& optional = *static_cast<const Optional*>(holder);
    if (optional.has_value()) visit(context, {}, &*optional);
  }
};

template <typename T>
struct HolderOpsOf<std::optional<T>> : OptionalOps<std::optional<T>> {};
template <typename T>
struct HolderOpsOf<Boxed<T>> : OptionalOps<Boxed<T>> {};

template <typename H>
inline constexpr HolderOps kHolderOps{&HolderOpsOf<H>::add, &HolderOpsOf<H>::size,
                                      &HolderOpsOf<H>::each};

struct FieldCodec {
  const FieldInfo* info;
  std::uint32_t offset;
  Holder holder;
  const StructCodec& (*nested)();  // For structs; otherwise nullptr.
  const HolderOps* ops;            // nullptr for kPlain.
};

struct StructCodec {
  const TypeInfo* type;
  std::span<const FieldCodec> fields;
};

}  // namespace pinnace::api::detail
