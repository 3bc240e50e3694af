// What year, month, day, hour it is, in UTC or in a time zone; and a duration in hours, minutes...
#include <chrono>
#include <string>

#include "cel/internal/functions.h"
#include "cel/internal/time_zone.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::int64_t kDay = 86400;

struct Moment {
  std::chrono::year_month_day date;
  std::int64_t day_of_year;  // from 0
  std::int64_t day_of_week;  // Sunday is 0
  std::int64_t second_of_day;
  std::int64_t milliseconds;
};

Moment moment_of(const Value& timestamp, std::int64_t offset_seconds) {
  namespace ch = std::chrono;
  const std::int64_t local = timestamp.as_seconds() + offset_seconds;
  const auto days = ch::floor<ch::days>(ch::sys_seconds(ch::seconds(local)));
  const ch::year_month_day date(days);
  const ch::sys_days new_year = date.year() / ch::January / 1;
  return {date, (days - new_year).count(),
          static_cast<std::int64_t>(ch::weekday(days).c_encoding()),
          local - days.time_since_epoch().count() * kDay, timestamp.as_nanoseconds() / 1'000'000};
}

std::int64_t year(const Moment& at) { return static_cast<int>(at.date.year()); }
std::int64_t month(const Moment& at) {
  return static_cast<std::int64_t>(static_cast<unsigned>(at.date.month())) - 1;
}
std::int64_t date(const Moment& at) { return static_cast<unsigned>(at.date.day()); }
std::int64_t day_of_month(const Moment& at) { return date(at) - 1; }
std::int64_t day_of_year(const Moment& at) { return at.day_of_year; }
std::int64_t day_of_week(const Moment& at) { return at.day_of_week; }
std::int64_t hours(const Moment& at) { return at.second_of_day / 3600; }
std::int64_t minutes(const Moment& at) { return at.second_of_day / 60 % 60; }
std::int64_t seconds(const Moment& at) { return at.second_of_day % 60; }
std::int64_t milliseconds(const Moment& at) { return at.milliseconds; }

template <std::int64_t (*kPart)(const Moment&)>
Value part(const Call& call) {
  std::int64_t offset = 0;
  if (call.count == 2) {
    const auto found = zone_offset(call.text(1), call[0].as_seconds());
    if (!found) return call.error("unknown time zone " + std::string(call.text(1)));
    offset = *found;
  }
  return Value::integer(kPart(moment_of(call[0], offset)));
}

template <std::int64_t kUnit>
Value whole_units(const Call& call) {
  return Value::integer(call[0].as_duration() / kUnit);
}

constexpr std::string_view kUtc = "timestamp.() -> int";
constexpr std::string_view kInZone = "timestamp.(string) -> int";
constexpr std::string_view kOfDuration = "duration.() -> int";

constexpr Declaration kDeclarations[] = {
    {"getFullYear", "timestamp_to_year", kUtc, part<year>},
    {"getFullYear", "timestamp_to_year_with_tz", kInZone, part<year>},
    {"getMonth", "timestamp_to_month", kUtc, part<month>},
    {"getMonth", "timestamp_to_month_with_tz", kInZone, part<month>},
    {"getDayOfYear", "timestamp_to_day_of_year", kUtc, part<day_of_year>},
    {"getDayOfYear", "timestamp_to_day_of_year_with_tz", kInZone, part<day_of_year>},
    {"getDayOfMonth", "timestamp_to_day_of_month", kUtc, part<day_of_month>},
    {"getDayOfMonth", "timestamp_to_day_of_month_with_tz", kInZone, part<day_of_month>},
    {"getDate", "timestamp_to_day_of_month_1_based", kUtc, part<date>},
    {"getDate", "timestamp_to_day_of_month_1_based_with_tz", kInZone, part<date>},
    {"getDayOfWeek", "timestamp_to_day_of_week", kUtc, part<day_of_week>},
    {"getDayOfWeek", "timestamp_to_day_of_week_with_tz", kInZone, part<day_of_week>},
    {"getHours", "timestamp_to_hours", kUtc, part<hours>},
    {"getHours", "timestamp_to_hours_with_tz", kInZone, part<hours>},
    {"getHours", "duration_to_hours", kOfDuration, whole_units<3'600'000'000'000>},
    {"getMinutes", "timestamp_to_minutes", kUtc, part<minutes>},
    {"getMinutes", "timestamp_to_minutes_with_tz", kInZone, part<minutes>},
    {"getMinutes", "duration_to_minutes", kOfDuration, whole_units<60'000'000'000>},
    {"getSeconds", "timestamp_to_seconds", kUtc, part<seconds>},
    {"getSeconds", "timestamp_to_seconds_tz", kInZone, part<seconds>},
    {"getSeconds", "duration_to_seconds", kOfDuration, whole_units<1'000'000'000>},
    {"getMilliseconds", "timestamp_to_milliseconds", kUtc, part<milliseconds>},
    {"getMilliseconds", "timestamp_to_milliseconds_with_tz", kInZone, part<milliseconds>},
    {"getMilliseconds", "duration_to_milliseconds", kOfDuration, whole_units<1'000'000>},
};

}  // namespace

std::span<const Declaration> time_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
