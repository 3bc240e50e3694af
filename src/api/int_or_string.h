// IntOrString is a number or a text: a port by number or name, a share by count or percentage.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pinnace::api {

struct IntOrString {
  bool is_string = false;
  std::int32_t int_value = 0;
  std::string string_value;

  IntOrString() = default;
  IntOrString(std::int32_t value) : int_value(value) {}  // NOLINT: a number is one
  static IntOrString from_string(std::string_view text);
  // A text that is a whole number becomes one.
  static IntOrString parse(std::string_view text);

  // "8080" or "http".
  std::string text() const;
  // The number, or the text read as one; 0 where it is none.
  std::int32_t as_int() const;
  bool operator==(const IntOrString&) const = default;
};

// The count itself, or the percentage ("25%") of `total`, rounded up or down. 400 for other texts.
Result<std::int32_t> scaled_value(const IntOrString& value, std::int32_t total, bool round_up);

}  // namespace pinnace::api
