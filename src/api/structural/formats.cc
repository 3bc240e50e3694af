#include "api/structural/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "api/names.h"
#include "api/structural/pattern.h"
#include "base/assert.h"
#include "base/clock.h"
#include "base/strings.h"

namespace pinnace::api::structural {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool parses_as(int family, std::string_view text) {
  unsigned char address[16];
  const std::string copy(text);
  return copy.find('\0') == std::string::npos && ::inet_pton(family, copy.c_str(), address) == 1;
}

bool is_ipv4(std::string_view text) { return parses_as(AF_INET, text); }
bool is_ipv6(std::string_view text) { return parses_as(AF_INET6, text); }

bool is_cidr(std::string_view text) {
  const auto slash = text.find('/');
  if (slash == std::string_view::npos) return false;
  const std::string_view address = text.substr(0, slash);
  const auto bits = parse_uint(text.substr(slash + 1));
  return bits && ((is_ipv4(address) && *bits <= 32) || (is_ipv6(address) && *bits <= 128));
}

// "2024-02-29"
bool is_date(std::string_view text) {
  WallTime time{};
  return text.size() == 10 && parse_rfc3339(std::string(text) + "T00:00:00Z", time);
}

bool is_date_time(std::string_view text) {
  WallTime time{};
  if (parse_rfc3339(text, time)) return true;
  // A year that a WallTime cannot hold is a year all the same.
  if (text.size() < 20 || !std::all_of(text.begin(), text.begin() + 4, is_digit)) return false;
  return parse_rfc3339("2000" + std::string(text.substr(4)), time);
}

bool is_base64(std::string_view text) {
  if (text.size() % 4 != 0) return false;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
  text.remove_suffix(padding);
  return std::ranges::all_of(text, [](char c) {
    return is_digit(c) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '+' || c == '/';
  });
}

// Luhn's sum over the digits.
bool is_card_number(std::string_view text) {
  int sum = 0, digits = 0;
  for (std::size_t i = text.size(); i-- > 0;) {
    if (text[i] == ' ' || text[i] == '-') continue;
    if (!is_digit(text[i])) return false;
    int value = text[i] - '0';
    if (++digits % 2 == 0 && (value *= 2) > 9) value -= 9;
    sum += value;
  }
  return digits >= 12 && digits <= 19 && sum % 10 == 0;
}

std::string without_separators(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' && c != '-') out += c;
  }
  return out;
}

bool is_isbn10(std::string_view text) {
  const std::string digits = without_separators(text);
  if (digits.size() != 10) return false;
  int sum = 0;
  for (int i = 0; i < 10; ++i) {
    const char c = digits[static_cast<std::size_t>(i)];
    const bool is_ten = i == 9 && c == 'X';
    if (!is_digit(c) && !is_ten) return false;
    sum += (10 - i) * (is_ten ? 10 : c - '0');
  }
  return sum % 11 == 0;
}

bool is_isbn13(std::string_view text) {
  const std::string digits = without_separators(text);
  if (digits.size() != 13 || !std::ranges::all_of(digits, is_digit)) return false;
  int sum = 0;
  for (std::size_t i = 0; i < 13; ++i) sum += (digits[i] - '0') * (i % 2 == 0 ? 1 : 3);
  return sum % 10 == 0;
}

bool is_isbn(std::string_view text) { return is_isbn10(text) || is_isbn13(text); }

// "1h30m", or words such as "2 days".
bool is_duration(std::string_view text) {
  static const auto kGo =
      Pattern::compile(R"(^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$)");
  static const auto kWords = Pattern::compile(
      R"(^\s*\d+(\.\d+)?\s*(ns|nanos?|nanoseconds?|us|µs|micros?|microseconds?|ms|millis?|)"
      R"(milliseconds?|s|secs?|seconds?|m|mins?|minutes?|h|hrs?|hours?|d|days?|w|)"
      R"(wks?|weeks?)\s*$)");
  return (*kGo)->matches(text) || (*kWords)->matches(text);
}

bool is_uri(std::string_view text) {
  static const auto kUri = Pattern::compile(R"(^([a-zA-Z][a-zA-Z0-9+.-]*:\S+|/\S*)$)");
  return (*kUri)->matches(text);
}

bool is_email(std::string_view text) {
  static const auto kEmail = Pattern::compile(R"(^([^<>]*<)?[^\s@<>]+@[^\s@<>]+(>)?$)");
  return (*kEmail)->matches(text);
}

template <const char* Expression>
bool matches_fixed(std::string_view text) {
  static const auto kPattern = Pattern::compile(Expression);
  PINNACE_ASSERT(kPattern.has_value());
  return (*kPattern)->matches(text);
}

constexpr char kHostname[] = R"(^([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?))"
                             R"((\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*\.?$)";
constexpr char kMac[] =
    R"(^([0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{2}([:-][0-9A-Fa-f]{2}){7}|)"
    R"([0-9A-Fa-f]{4}(\.[0-9A-Fa-f]{4}){2,3})$)";
constexpr char kUuid[] =
    R"((?i)^[0-9A-F]{8}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{4}-?[0-9A-F]{12}$)";
constexpr char kUuid3[] =
    R"((?i)^[0-9A-F]{8}-?[0-9A-F]{4}-?3[0-9A-F]{3}-?[0-9A-F]{4}-?[0-9A-F]{12}$)";
constexpr char kUuid4[] =
    R"((?i)^[0-9A-F]{8}-?[0-9A-F]{4}-?4[0-9A-F]{3}-?[89AB][0-9A-F]{3}-?[0-9A-F]{12}$)";
constexpr char kUuid5[] =
    R"((?i)^[0-9A-F]{8}-?[0-9A-F]{4}-?5[0-9A-F]{3}-?[89AB][0-9A-F]{3}-?[0-9A-F]{12}$)";
constexpr char kObjectId[] = "^[0-9a-fA-F]{24}$";
constexpr char kSocialSecurity[] = R"(^\d{3}[- ]?\d{2}[- ]?\d{4}$)";
constexpr char kHexColor[] = "^#?([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$";
constexpr char kRgbColor[] =
    R"(^rgb\(\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*)"
    R"((0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*,\s*(0|[1-9]\d?|1\d\d?|2[0-4]\d|25[0-5])\s*\)$)";

bool is_hostname(std::string_view text) {
  return text.size() <= 255 && matches_fixed<kHostname>(text);
}
bool is_short_name(std::string_view text) { return check_dns1123_label(text).empty(); }
bool is_long_name(std::string_view text) { return check_dns1123_subdomain(text).empty(); }
bool is_anything(std::string_view) { return true; }

struct Format {
  std::string_view name;
  bool (*matches)(std::string_view);
};
constexpr Format kFormats[] = {
    {"bsonobjectid", matches_fixed<kObjectId>},
    {"byte", is_base64},
    {"cidr", is_cidr},
    {"creditcard", is_card_number},
    {"date", is_date},
    {"date-time", is_date_time},
    {"datetime", is_date_time},
    {"duration", is_duration},
    {"email", is_email},
    {"hexcolor", matches_fixed<kHexColor>},
    {"hostname", is_hostname},
    {"ipv4", is_ipv4},
    {"ipv6", is_ipv6},
    {"isbn", is_isbn},
    {"isbn10", is_isbn10},
    {"isbn13", is_isbn13},
    {"k8s-long-name", is_long_name},
    {"k8s-short-name", is_short_name},
    {"mac", matches_fixed<kMac>},
    {"password", is_anything},
    {"rgbcolor", matches_fixed<kRgbColor>},
    {"ssn", matches_fixed<kSocialSecurity>},
    {"uri", is_uri},
    {"uuid", matches_fixed<kUuid>},
    {"uuid3", matches_fixed<kUuid3>},
    {"uuid4", matches_fixed<kUuid4>},
    {"uuid5", matches_fixed<kUuid5>},
};

const Format* find_format(std::string_view name) {
  const auto found = std::ranges::lower_bound(kFormats, name, {}, &Format::name);
  return found != std::end(kFormats) && found->name == name ? found : nullptr;
}

}  // namespace

bool is_known_format(std::string_view format) { return find_format(format) != nullptr; }

bool matches_format(std::string_view format, std::string_view text) {
  const Format* known = find_format(format);
  return known == nullptr || known->matches(text);
}

}  // namespace pinnace::api::structural
