// MemberIndex finds members of an object by key in constant time, however large the object is.
//
// Why: `Value::find` is linear, which is fastest for the objects of daily use; but work that looks
//   up every key of one object in another must not become quadratic for a hostile body.
// Lifetime: refers to the node of the object. Members may be added at the end while it lives
//   (through `add_ref` or `set`), but none erased.
#pragma once

#include <cstdint>
#include <string_view>
#include <unordered_map>

#include "api/value.h"

namespace pinnace::api {

class MemberIndex {
 public:
  explicit MemberIndex(const Value& object) : object_(object) {}

  // The value of the member with that key, or nullptr.
  const Value* find(std::string_view key);
  // The place of the member with that key, or the object's size.
  std::size_t place(std::string_view key);

 private:
  static constexpr std::size_t kLinearUpTo = 24;

  const Value& object_;
  std::size_t indexed_ = 0;  // Members that `places_` knows.
  std::unordered_map<std::string_view, std::uint32_t> places_;
};

}  // namespace pinnace::api
