#include "api/structural/formats.h"

#include <arpa/inet.h>

#include <algorithm>
#include <iterator>
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

// A year that a WallTime cannot hold is a year all the same.
bool is_date_time(std::string_view text) {
  static const auto kTime =
      Pattern::compile(R"(^([01]\d|2[0-3]):[0-5]\d:[0-5]\d(.[0-9]+)?([zZ]|[+-]\d{2}:\d{2})$)");
  return text.size() > 11 && (text[10] == 'T' || text[10] == 't') && is_date(text.substr(0, 10)) &&
         (*kTime)->matches(text.substr(11));
}

bool is_base64(std::string_view text) {
  static const auto kGroups = Pattern::compile(
      R"(^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$)");
  return (*kGroups)->matches(text);
}

// Luhn's sum over the digits.
bool is_card_number(std::string_view text) {
  static const auto kIssuers = Pattern::compile(
      R"(^(4\d{12}(\d{3})?|5[1-5]\d{14}|6(011|5\d\d)\d{12}|3[47]\d{13}|3(0[0-5]|[68]\d)\d{11}|)"
      R"((2131|1800|35\d{3})\d{11})$)");
  std::string digits;
  std::ranges::copy_if(text, std::back_inserter(digits), is_digit);
  int sum = 0;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    int value = digits[digits.size() - 1 - i] - '0';
    if (i % 2 == 1 && (value *= 2) > 9) value -= 9;
    sum += value;
  }
  return sum % 10 == 0 && (*kIssuers)->matches(digits);
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

// "1h30m", or words such as "2 days" anywhere in the text.
bool is_duration(std::string_view text) {
  static const auto kGo =
      Pattern::compile(R"(^[+-]?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)$)");
  static const auto kWords = Pattern::compile(
      R"((?i)\d+\s*(ns|nano[a-zµ]*|us|µs|micro[a-zµ]*|ms|milli[a-zµ]*|s|sec[a-zµ]*|)"
      R"(m|min[a-zµ]*|h|hr|hour[a-zµ]*|d|day[a-zµ]*|w|wk|week[a-zµ]*)([^a-zµ]|$))");
  return (*kGo)->matches(text) || (*kWords)->matches(text);
}

// An absolute URL, or a path from the root.
bool is_uri(std::string_view text) {
  static const auto kUri = Pattern::compile(
      R"(^([a-zA-Z][a-zA-Z0-9+.-]*:(//[^/?#\s]*([/?#].*)?|[^/].*|/[^/].*|/)|/.*)$)");
  const bool has_control = std::ranges::any_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  return !has_control && (*kUri)->matches(text);
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

// One label, in which at most one hyphen stands, after its first character; or several, of which
// the last is of letters.
constexpr char kHostname[] =
    R"(^([a-zA-Z0-9\p{S}\p{L}](-?[a-zA-Z0-9\p{S}\p{L}]*)?|)"
    R"(([a-zA-Z0-9\p{S}\p{L}]([a-zA-Z0-9\-\p{S}\p{L}]*[a-zA-Z0-9\p{S}\p{L}])?\.)+)"
    R"([a-zA-Z\p{L}]{2,})$)";
constexpr char kShortName[] = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$";
constexpr char kLongName[] = R"(^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$)";
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
  const auto labels = split(text, '.');
  return text.size() <= 255 && matches_fixed<kHostname>(text) &&
         std::ranges::all_of(labels, [](std::string_view label) { return label.size() <= 63; });
}
bool is_short_name(std::string_view text) {
  return text.size() <= 63 && matches_fixed<kShortName>(text);
}
bool is_long_name(std::string_view text) {
  return text.size() <= 253 && matches_fixed<kLongName>(text);
}
bool is_social_security(std::string_view text) {
  return text.size() == 11 && matches_fixed<kSocialSecurity>(text);
}
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
    {"k8slongname", is_long_name},
    {"k8sshortname", is_short_name},
    {"mac", matches_fixed<kMac>},
    {"password", is_anything},
    {"rgbcolor", matches_fixed<kRgbColor>},
    {"ssn", is_social_security},
    {"uri", is_uri},
    {"uuid", matches_fixed<kUuid>},
    {"uuid3", matches_fixed<kUuid3>},
    {"uuid4", matches_fixed<kUuid4>},
    {"uuid5", matches_fixed<kUuid5>},
};

// Hyphens in names do not count.
const Format* find_format(std::string_view format) {
  std::string name;
  std::ranges::remove_copy(format, std::back_inserter(name), '-');
  const auto found = std::ranges::lower_bound(kFormats, std::string_view(name), {}, &Format::name);
  return found != std::end(kFormats) && found->name == name ? found : nullptr;
}

}  // namespace

bool is_known_format(std::string_view format) { return find_format(format) != nullptr; }

bool matches_format(std::string_view format, std::string_view text) {
  const Format* known = find_format(format);
  return known == nullptr || known->matches(text);
}

}  // namespace pinnace::api::structural
