#include "api/time.h"

#include <array>
#include <cstdint>
#include <limits>

namespace pinnace::api {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t nanoseconds;
};

constexpr std::array kUnits{
    Unit{"ns", 1},        Unit{"us", 1'000},           Unit{"\u00b5s", 1'000},
    Unit{"\u03bcs", 1'000}, Unit{"ms", 1'000'000},       Unit{"s", 1'000'000'000},
    Unit{"m", 60'000'000'000}, Unit{"h", 3'600'000'000'000},
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

// Takes "12.5" from the front of `text` as nanoseconds of `unit`; false on anything else.
bool take_part(std::string_view& text, double& out) {
  std::size_t digits = 0;
  double number = 0;
  double scale = 1;
  bool fraction = false;
  std::size_t i = 0;
  for (; i < text.size() && (is_digit(text[i]) || (text[i] == '.' && !fraction)); ++i) {
    if (text[i] == '.') {
      fraction = true;
      continue;
    }
    ++digits;
    number = number * 10 + (text[i] - '0');
    if (fraction) scale *= 10;
  }
  if (digits == 0 || digits > 19) return false;
  text.remove_prefix(i);
  const Unit* unit = unit_at(text);
  if (unit == nullptr) return false;
  text.remove_prefix(unit->name.size());
  out = number / scale * static_cast<double>(unit->nanoseconds);
  return true;
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
  double total = 0;
  while (!text.empty()) {
    double part = 0;
    if (!take_part(text, part)) return std::nullopt;
    total += part;
  }
  if (total >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  const auto nanoseconds = static_cast<std::int64_t>(total + 0.5);
  return Duration{negative ? -nanoseconds : nanoseconds};
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
