#include "api/time.h"

#include <array>
#include <cstdint>

namespace pinnace::api {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::array kUnits{
    Unit{"ns", 1},
    Unit{"us", 1'000},
    Unit{"\u00b5s", 1'000},
    Unit{"\u03bcs", 1'000},
    Unit{"ms", 1'000'000},
    Unit{"s", 1'000'000'000},
    Unit{"m", 60'000'000'000},
    Unit{"h", 3'600'000'000'000},
};

// The longest unit that the text starts with; nullptr when there is none.
const Unit* unit_at(std::string_view text) {
  const Unit* found = nullptr;
  for (const Unit& unit : kUnits) {
    if (!text.starts_with(unit.name)) continue;
    if (found == nullptr || unit.name.size() > found->name.size()) found = &unit;
  }
  return found;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Go's bound: one more than the largest Duration, for its negative.
constexpr std::uint64_t kMostNanoseconds = std::uint64_t{1} << 63;

// Takes digits from the front; false past the bound.
bool take_digits(std::string_view& text, std::uint64_t& number) {
  for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1)) {
    if (number > kMostNanoseconds / 10) return false;
    number = number * 10 + static_cast<std::uint64_t>(text[0] - '0');
    if (number > kMostNanoseconds) return false;
  }
  return true;
}

// Takes "12.5h" from the front of `text`; false on anything else.
bool take_part(std::string_view& text, std::uint64_t& out) {
  const std::size_t before = text.size();
  std::uint64_t whole = 0;
  if (!take_digits(text, whole)) return false;
  std::size_t digits = before - text.size();
  std::uint64_t fraction = 0;
  double scale = 1;
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    for (; !text.empty() && is_digit(text[0]); text.remove_prefix(1), ++digits) {
      if (fraction > (kMostNanoseconds - 9) / 10) continue;  // Finer than any nanosecond.
      fraction = fraction * 10 + static_cast<std::uint64_t>(text[0] - '0');
      scale *= 10;
    }
  }
  const Unit* unit = unit_at(text);
  if (digits == 0 || unit == nullptr) return false;
  text.remove_prefix(unit->name.size());
  const auto nanoseconds = static_cast<std::uint64_t>(unit->nanoseconds);
  if (whole > kMostNanoseconds / nanoseconds) return false;
  // As Go reckons it: a double is exact enough below one unit, and what is left is cut off.
  out =
      whole * nanoseconds + static_cast<std::uint64_t>(static_cast<double>(fraction) *
                                                       (static_cast<double>(nanoseconds) / scale));
  return out <= kMostNanoseconds;
}

// Appends N/10^digits without trailing zeros after the point.
void append_fraction(std::string& out, std::uint64_t whole, std::uint64_t fraction, int digits) {
  out += std::to_string(whole);
  if (fraction == 0) return;
  std::string text = std::to_string(fraction);
  text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
  while (text.back() == '0') text.pop_back();
  out += '.';
  out += text;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  if (text == "0") return Duration{0};
  if (text.empty()) return std::nullopt;
  std::uint64_t total = 0;
  while (!text.empty()) {
    std::uint64_t part = 0;
    if (!take_part(text, part)) return std::nullopt;
    total += part;
    if (total > kMostNanoseconds) return std::nullopt;
  }
  if (!negative && total == kMostNanoseconds) return std::nullopt;
  return Duration{static_cast<std::int64_t>(negative ? 0 - total : total)};
}

std::string format_duration(Duration duration) {
  if (duration.count() == 0) return "0s";
  std::string out;
  if (duration.count() < 0) out = "-";
  const auto n = duration.count() < 0 ? 0 - static_cast<std::uint64_t>(duration.count())
                                      : static_cast<std::uint64_t>(duration.count());
  if (n < 1'000) return out + std::to_string(n) + "ns";
  if (n < 1'000'000) {
    append_fraction(out, n / 1'000, n % 1'000, 3);
    return out + "\u00b5s";
  }
  if (n < 1'000'000'000) {
    append_fraction(out, n / 1'000'000, n % 1'000'000, 6);
    return out + "ms";
  }
  const std::uint64_t seconds = n / 1'000'000'000;
  if (seconds >= 3600) out += std::to_string(seconds / 3600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  append_fraction(out, seconds % 60, n % 1'000'000'000, 9);
  return out + "s";
}

}  // namespace pinnace::api
