#include "base/clock.h"

#include <time.h>

#include <utility>

namespace pinnace {

namespace {

class RealClock final : public Clock {
 public:
  WallTime wall() const override {
    return std::chrono::time_point_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now());
  }
  MonotonicTime monotonic() const override {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return {now.tv_sec * 1'000'000'000LL + now.tv_nsec};
  }
};

// The whole years that a WallTime can hold.
constexpr int kFirstYear = 1678;
constexpr int kLastYear = 2261;

// Several times for each write: snprintf would cost ten times as much.
void append_digits(std::string& text, int value, int count) {
  const std::size_t end = text.size() + static_cast<std::size_t>(count);
  text.resize(end, '0');
  for (std::size_t at = end; value > 0 && count > 0; value /= 10, --count) {
    text[--at] = static_cast<char>('0' + value % 10);
  }
}

std::string made_text(std::chrono::sys_seconds second) {
  using namespace std::chrono;
  std::string text;
  const auto day_point = floor<days>(second);
  const year_month_day date(day_point);
  const hh_mm_ss of_day(second - day_point);
  append_digits(text, static_cast<int>(date.year()), 4);
  const std::pair<char, unsigned> parts[] = {
      {'-', static_cast<unsigned>(date.month())},
      {'-', static_cast<unsigned>(date.day())},
      {'T', static_cast<unsigned>(of_day.hours().count())},
      {':', static_cast<unsigned>(of_day.minutes().count())},
      {':', static_cast<unsigned>(of_day.seconds().count())},
  };
  for (const auto& [before, value] : parts) {
    text += before;
    append_digits(text, static_cast<int>(value), 2);
  }
  return text;
}

// Up to the seconds, without a zone but with room for what comes behind. Most who ask for it are
// in the same second as the last.
std::string seconds_text(WallTime time) {
  using namespace std::chrono;
  thread_local sys_seconds last{seconds::min()};
  thread_local std::string text;
  const auto second = floor<seconds>(time);
  if (second != last) {
    text = made_text(second);
    last = second;
  }
  std::string copy;
  copy.reserve(sizeof "2026-11-26T18:00:00.000000Z");
  copy += text;
  return copy;
}

// Reads exactly `count` digits at `at`; -1 if they are not there.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  if (at + count > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// Reads "Z" or "+hh:mm" from `at` to the end; false if something else stands there.
bool parse_offset(std::string_view text, std::size_t at, std::chrono::minutes& offset) {
  offset = std::chrono::minutes(0);
  if (at >= text.size()) return false;
  if (text[at] == 'Z' || text[at] == 'z') return at + 1 == text.size();
  if ((text[at] != '+' && text[at] != '-') || at + 6 != text.size() || text[at + 3] != ':') {
    return false;
  }
  const int hours = digits(text, at + 1, 2), minutes = digits(text, at + 4, 2);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return false;
  offset = std::chrono::minutes(hours * 60 + minutes) * (text[at] == '-' ? -1 : 1);
  return true;
}

}  // namespace

Clock& real_clock() {
  static RealClock clock;
  return clock;
}

std::string rfc3339(WallTime time) {
  std::string text = seconds_text(time);
  text += 'Z';
  return text;
}

std::string rfc3339_micro(WallTime time) {
  std::string text = seconds_text(time);
  text += '.';
  const auto of_second = time - std::chrono::floor<std::chrono::seconds>(time);
  append_digits(text, static_cast<int>(of_second / std::chrono::microseconds(1)), 6);
  text += 'Z';
  return text;
}

bool parse_rfc3339(std::string_view text, WallTime& out) {
  using namespace std::chrono;
  if (text.size() < 20 || text[4] != '-' || text[7] != '-' ||
      (text[10] != 'T' && text[10] != 't') || text[13] != ':' || text[16] != ':') {
    return false;
  }
  const int y = digits(text, 0, 4), mo = digits(text, 5, 2), d = digits(text, 8, 2);
  const int h = digits(text, 11, 2), mi = digits(text, 14, 2), s = digits(text, 17, 2);
  if (y < kFirstYear || y > kLastYear) return false;
  if (h < 0 || h > 23 || mi < 0 || mi > 59 || s < 0 || s > 60) return false;
  const year_month_day date{year(y), month(static_cast<unsigned>(mo)),
                            day(static_cast<unsigned>(d))};
  if (mo < 1 || d < 1 || !date.ok()) return false;
  std::size_t at = 19;
  std::int64_t nanoseconds = 0;
  if (text[at] == '.') {
    std::int64_t unit = 100'000'000;
    const std::size_t first = ++at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, unit /= 10) {
      nanoseconds += (text[at] - '0') * unit;
    }
    if (at == first || at - first > 9) return false;
  }
  minutes offset{};
  if (!parse_offset(text, at, offset)) return false;
  out = WallTime(sys_days(date)) + hours(h) + minutes(mi) + seconds(s) +
        std::chrono::nanoseconds(nanoseconds) - offset;
  return true;
}

}  // namespace pinnace
