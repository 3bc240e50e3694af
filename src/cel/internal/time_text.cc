#include "cel/internal/time_text.h"

#include <fmt/format.h>

#include <chrono>

#include "api/time.h"

namespace pinnace::cel::internal {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;

// Reads fixed-width numbers and separators, one after the other.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  int number(std::size_t digits) {
    int value = 0;
    for (std::size_t i = 0; i < digits; ++i) {
      if (text_.empty() || text_[0] < '0' || text_[0] > '9') return fail();
      value = value * 10 + (text_[0] - '0');
      text_.remove_prefix(1);
    }
    return value;
  }
  void expect(std::string_view any_of) {
    if (!take(any_of)) fail();
  }
  char take(std::string_view any_of) {
    if (text_.empty() || any_of.find(text_[0]) == std::string_view::npos) return 0;
    const char taken = text_[0];
    text_.remove_prefix(1);
    return taken;
  }
  // Decimals after a point; what is finer than a nanosecond is dropped.
  std::uint32_t fraction() {
    std::uint32_t value = 0, scale = 100'000'000;
    if (text_.empty() || text_[0] < '0' || text_[0] > '9')
      return static_cast<std::uint32_t>(fail());
    while (!text_.empty() && text_[0] >= '0' && text_[0] <= '9') {
      value += static_cast<std::uint32_t>(text_[0] - '0') * scale;
      scale /= 10;
      text_.remove_prefix(1);
    }
    return value;
  }
  bool done() const { return ok_ && text_.empty(); }

 private:
  int fail() {
    ok_ = false;
    return 0;
  }

  std::string_view text_;
  bool ok_ = true;
};

bool read_timestamp(std::string_view text, std::int64_t* seconds, std::uint32_t* nanoseconds) {
  Scanner scan(text);
  const int year = scan.number(4);
  scan.expect("-");
  const int month = scan.number(2);
  scan.expect("-");
  const int day = scan.number(2);
  int hour = 0, minute = 0, second = 0, offset_seconds = 0;
  *nanoseconds = 0;
  if (!scan.done()) {
    scan.expect("T");
    hour = scan.number(2);
    scan.expect(":");
    minute = scan.number(2);
    scan.expect(":");
    second = scan.number(2);
    if (scan.take(".")) *nanoseconds = scan.fraction();
    if (!scan.take("Z")) {
      const char sign = scan.take("+-");
      const int hours = scan.number(2);
      scan.expect(":");
      const int minutes = scan.number(2);
      if (sign == 0 || hours > 24 || minutes > 59) return false;
      offset_seconds = (hours * 60 + minutes) * (sign == '-' ? -60 : 60);
    }
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!scan.done() || !date.ok() || hour > 23 || minute > 59 || second > 59) return false;
  const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
  *seconds = days * 86400 + hour * 3600 + minute * 60 + second - offset_seconds;
  return true;
}

std::string decimals(std::uint32_t nanoseconds) {
  if (nanoseconds == 0) return {};
  std::string text = fmt::format(".{:09}", nanoseconds);
  text.erase(text.find_last_not_of('0') + 1);
  return text;
}

}  // namespace

Value parse_timestamp(Workspace& space, std::string_view text) {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
  if (!read_timestamp(text, &seconds, &nanoseconds)) {
    return Value::error(space, fmt::format("parsing time \"{0}\" as "
                                           "\"2006-01-02T15:04:05Z07:00\": cannot parse \"{0}\"",
                                           text));
  }
  if (seconds < kMinSeconds || seconds > kMaxSeconds) return Value::error(kTimestampOverflow);
  return Value::timestamp(seconds, nanoseconds);
}

Value parse_duration_text(Workspace& space, std::string_view text) {
  const auto duration = api::parse_duration(text);
  if (!duration) {
    return Value::error(space, fmt::format("time: invalid duration \"{}\"", text));
  }
  return Value::duration(duration->count());
}

std::string timestamp_text(std::int64_t seconds, std::uint32_t nanoseconds) {
  const std::chrono::sys_seconds moment{std::chrono::seconds(seconds)};
  const auto day = std::chrono::floor<std::chrono::days>(moment);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss time(moment - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}{}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count(),
                     decimals(nanoseconds));
}

std::string duration_text(std::int64_t nanoseconds) {
  const bool negative = nanoseconds < 0;
  const std::uint64_t magnitude = negative ? 0 - static_cast<std::uint64_t>(nanoseconds)
                                           : static_cast<std::uint64_t>(nanoseconds);
  return fmt::format("{}{}{}s", negative ? "-" : "", magnitude / kNanosecondsPerSecond,
                     decimals(static_cast<std::uint32_t>(magnitude % kNanosecondsPerSecond)));
}

}  // namespace pinnace::cel::internal
