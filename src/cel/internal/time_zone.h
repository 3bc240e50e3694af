// TimeZone tells how far a place's clocks are from UTC at a moment.
//
// Bounds: zones are read once and kept, at most 1,024 of them; larger files than 1 MiB are refused.
// Threads: any.
// Source: RFC 8536 (TZif) and the machine's /usr/share/zoneinfo; POSIX TZ strings for times behind
//   the last transition of a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace pinnace::cel::internal {

// Seconds east of UTC in "Europe/Paris", "UTC", "+01:00" or "-05:30". Nothing for what is no zone.
std::optional<std::int64_t> zone_offset(std::string_view zone, std::int64_t utc_seconds);

}  // namespace pinnace::cel::internal
