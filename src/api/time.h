// Time is a moment in an API object; durations are Go's texts such as "1h2m3.5s".
//
// Shape: the zero Time stands for "not set" (Go's zero time): it is the Unix epoch here.
// Units: nanoseconds in memory; fields of form kTime keep whole seconds, kMicroTime microseconds.
// Source: RFC 3339; Go's time.ParseDuration and Duration.String.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace pinnace::api {

struct Time {
  WallTime value{};

  Time() = default;
  Time(WallTime at) : value(at) {}  // NOLINT: a moment is one
  bool is_zero() const { return value == WallTime{}; }
  auto operator<=>(const Time&) const = default;
};

std::optional<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);

}  // namespace pinnace::api
