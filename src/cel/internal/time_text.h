// Timestamps and durations as texts, in the range that CEL has: years 1 to 9999.
//
// Errors: text that is none becomes an error Value with the wording of CEL.
// Source: RFC 3339; Go's time.ParseDuration; google.protobuf.Timestamp and Duration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "cel/value.h"

namespace pinnace::cel::internal {

// 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
inline constexpr std::int64_t kMinSeconds = -62135596800;
inline constexpr std::int64_t kMaxSeconds = 253402300799;

inline constexpr std::string_view kTimestampOverflow = "timestamp overflow";

// A date alone is its first moment.
Value parse_timestamp(Workspace& space, std::string_view text);
Value parse_duration_text(Workspace& space, std::string_view text);
// "2024-01-02T03:04:05.5Z", and seconds with their fraction: "3600s", "1.5s".
std::string timestamp_text(std::int64_t seconds, std::uint32_t nanoseconds);
std::string duration_text(std::int64_t nanoseconds);

}  // namespace pinnace::cel::internal
