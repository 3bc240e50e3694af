#include "api/quantity.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <optional>
#include <utility>

#include "base/strings.h"

namespace pinnace::api {
namespace {

__extension__ typedef __int128 Wide;
__extension__ typedef unsigned __int128 UnsignedWide;

constexpr Wide kNanoPerUnit = 1'000'000'000;
constexpr Wide kLargest = Wide{std::numeric_limits<std::int64_t>::max()} * kNanoPerUnit;

constexpr std::string_view kWrongFormat =
    "quantities must match the regular expression "
    "'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
constexpr std::string_view kWrongSuffix = "unable to parse quantity's suffix";

struct Suffix {
  std::string_view text;
  int decimal_exponent;
  int binary_exponent;
};

constexpr std::array<Suffix, 16> kSuffixes = {{
    {"n", -9, 0},
    {"u", -6, 0},
    {"m", -3, 0},
    {"", 0, 0},
    {"k", 3, 0},
    {"M", 6, 0},
    {"G", 9, 0},
    {"T", 12, 0},
    {"P", 15, 0},
    {"E", 18, 0},
    {"Ki", 0, 10},
    {"Mi", 0, 20},
    {"Gi", 0, 30},
    {"Ti", 0, 40},
    {"Pi", 0, 50},
    {"Ei", 0, 60},
}};

struct Scale {
  int decimal_exponent = 0;
  int binary_exponent = 0;
  Quantity::Format format = Quantity::Format::kDecimalSi;
};

std::optional<Scale> parse_suffix(std::string_view text) {
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.text != text) continue;
    return Scale{
        suffix.decimal_exponent, suffix.binary_exponent,
        suffix.binary_exponent != 0 ? Quantity::Format::kBinarySi : Quantity::Format::kDecimalSi};
  }
  if (text.size() < 2 || (text[0] != 'e' && text[0] != 'E')) return std::nullopt;
  std::string_view digits = text.substr(1);
  if (digits[0] == '+') digits.remove_prefix(1);
  if (digits.empty() || digits[0] == '+') return std::nullopt;
  const std::optional<std::int64_t> exponent = parse_int(digits);
  if (!exponent) return std::nullopt;
  const int clamped = static_cast<int>(std::clamp<std::int64_t>(*exponent, -10'000, 10'000));
  return Scale{clamped, 0, Quantity::Format::kDecimalExponent};
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The parts of "[sign]whole[.fraction][suffix]".
struct Parts {
  bool negative = false;
  std::string_view whole, fraction, suffix;
};

std::optional<Parts> split_parts(std::string_view text) {
  Parts parts;
  std::size_t at = 0;
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) parts.negative = text[at++] == '-';
  const auto take = [&](auto accept) {
    const std::size_t from = at;
    while (at < text.size() && accept(text[at])) ++at;
    return text.substr(from, at - from);
  };
  parts.whole = take(is_digit);
  if (at < text.size() && text[at] == '.') {
    ++at;
    parts.fraction = take(is_digit);
  }
  if (parts.whole.empty() && parts.fraction.empty()) return std::nullopt;
  const std::size_t suffix_from = at;
  take([](char c) { return std::string_view("eEinumkKMGTP").find(c) != std::string_view::npos; });
  if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
  take(is_digit);
  if (at != text.size()) return std::nullopt;
  parts.suffix = text.substr(suffix_from);
  return parts;
}

// A non-negative decimal: digits * 10^exponent, `sticky` when non-zero digits were cut off below.
struct Decimal {
  UnsignedWide digits = 0;
  int exponent = 0;
  bool sticky = false;
};

// More digits than these cannot matter: 2^63 has 19, and 9 follow the point.
constexpr int kKeptDigits = 30;

Decimal read_decimal(std::string_view whole, std::string_view fraction) {
  Decimal decimal;
  int kept = 0;
  const auto add = [&](char c, bool after_point) {
    if (kept >= kKeptDigits) {
      if (!after_point) ++decimal.exponent;
      decimal.sticky |= c != '0';
      return;
    }
    decimal.digits = decimal.digits * 10 + static_cast<unsigned>(c - '0');
    if (decimal.digits != 0) ++kept;
    if (after_point) --decimal.exponent;
  };
  for (char c : whole) add(c, false);
  for (char c : fraction) add(c, true);
  return decimal;
}

// In nano-units, rounded up; kLargest when it is more.
Wide to_nano(Decimal decimal, const Scale& scale) {
  if (decimal.digits == 0 && !decimal.sticky) return 0;
  int exponent = decimal.exponent + scale.decimal_exponent + 9;
  UnsignedWide value = decimal.digits;
  bool sticky = decimal.sticky;
  // Binary suffixes come first, while digits below the point are still there. 30 digits (100 bits)
  // leave room for 28 bits: larger factors are split into steps with digits cut between them.
  for (int bits = scale.binary_exponent; bits > 0;) {
    const int step = std::min(bits, 10);
    while (value >> (127 - step) != 0) {
      sticky |= value % 10 != 0;
      value /= 10;
      ++exponent;
    }
    value <<= step;
    bits -= step;
  }
  for (; exponent > 0; --exponent) {
    if (value > static_cast<UnsignedWide>(kLargest)) return kLargest;
    value *= 10;
  }
  for (; exponent < 0 && value != 0; ++exponent) {
    sticky |= value % 10 != 0;
    value /= 10;
  }
  if (sticky) ++value;
  return value > static_cast<UnsignedWide>(kLargest) ? kLargest : static_cast<Wide>(value);
}

std::int64_t divide_up(Wide nano, Wide divisor) {
  Wide quotient = nano / divisor;
  if (nano % divisor != 0) quotient += nano < 0 ? -1 : 1;
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  return static_cast<std::int64_t>(std::clamp(quotient, -kMax, kMax));
}

std::string digits_of(UnsignedWide value) {
  std::string digits;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
    value /= 10;
  } while (value != 0);
  return digits;
}

std::string format_binary(Wide nano) {
  Wide value = nano / kNanoPerUnit;
  if (nano % kNanoPerUnit != 0) value += nano < 0 ? -1 : 1;
  int exponent = 0;
  while (exponent < 60 && value % 1024 == 0) {
    value /= 1024;
    exponent += 10;
  }
  std::string text = value < 0 ? "-" : "";
  text += digits_of(static_cast<UnsignedWide>(value < 0 ? -value : value));
  for (const Suffix& suffix : kSuffixes) {
    if (exponent != 0 && suffix.binary_exponent == exponent) text += suffix.text;
  }
  return text;
}

std::string format_decimal(Wide nano, bool as_exponent) {
  std::string text = nano < 0 ? "-" : "";
  auto value = static_cast<UnsignedWide>(nano < 0 ? -nano : nano);
  int exponent = -9;
  const int largest = as_exponent ? 30 : 18;
  while (exponent < largest && value % 1000 == 0) {
    value /= 1000;
    exponent += 3;
  }
  text += digits_of(value);
  if (as_exponent) return exponent == 0 ? text : text + "e" + std::to_string(exponent);
  for (const Suffix& suffix : kSuffixes) {
    if (suffix.binary_exponent == 0 && suffix.decimal_exponent == exponent) text += suffix.text;
  }
  return text;
}

}  // namespace

Quantity Quantity::of(Nano nano, Format format) {
  Quantity quantity;
  quantity.nano_ = std::clamp<Nano>(nano, -kLargest, kLargest);
  quantity.format_ = format;
  return quantity;
}

Result<Quantity> Quantity::parse(std::string_view text) {
  const std::optional<Parts> parts = split_parts(text);
  if (!parts) return errors::bad_request(std::string(kWrongFormat));
  const std::optional<Scale> scale = parse_suffix(parts->suffix);
  if (!scale) return errors::bad_request(std::string(kWrongSuffix));
  const Nano nano = to_nano(read_decimal(parts->whole, parts->fraction), *scale);
  return of(parts->negative ? -nano : nano, scale->format);
}

Quantity Quantity::from_value(std::int64_t value, Format format) {
  return of(Nano{value} * kNanoPerUnit, format);
}

Quantity Quantity::from_milli(std::int64_t milli, Format format) {
  return of(Nano{milli} * (kNanoPerUnit / 1000), format);
}

std::string Quantity::format() const {
  if (nano_ == 0) return "0";
  // As Kubernetes: small or fractional amounts read better in decimal.
  const bool small = nano_ > -1024 * kNanoPerUnit && nano_ < 1024 * kNanoPerUnit;
  if (format_ == Format::kBinarySi && !small) return format_binary(nano_);
  return format_decimal(nano_, format_ == Format::kDecimalExponent);
}

std::int64_t Quantity::value() const { return divide_up(nano_, kNanoPerUnit); }
std::int64_t Quantity::milli_value() const { return divide_up(nano_, kNanoPerUnit / 1000); }
double Quantity::as_double() const { return static_cast<double>(nano_) / 1e9; }

Quantity& Quantity::operator+=(const Quantity& other) {
  // Both are within ±2^93, so the sum cannot leave 128 bits.
  *this = of(nano_ + other.nano_, nano_ == 0 ? other.format_ : format_);
  return *this;
}

Quantity& Quantity::operator-=(const Quantity& other) { return *this += -other; }

Quantity Quantity::operator-() const { return of(-nano_, format_); }

}  // namespace pinnace::api
