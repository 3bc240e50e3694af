#include "api/yaml_scalar.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace pinnace::api {
namespace {

struct Word {
  std::string_view text;
  Value value;
};

const Word* find_word(std::string_view text) {
  static const Value kTrue = Value::boolean(true);
  static const Value kFalse = Value::boolean(false);
  static const Value kNan = Value::number(std::numeric_limits<double>::quiet_NaN());
  static const Value kInf = Value::number(std::numeric_limits<double>::infinity());
  static const Value kMinusInf = Value::number(-std::numeric_limits<double>::infinity());
  static const Word kWords[] = {
      {"", {}},
      {"~", {}},
      {"null", {}},
      {"Null", {}},
      {"NULL", {}},
      {"y", kTrue},
      {"Y", kTrue},
      {"yes", kTrue},
      {"Yes", kTrue},
      {"YES", kTrue},
      {"true", kTrue},
      {"True", kTrue},
      {"TRUE", kTrue},
      {"on", kTrue},
      {"On", kTrue},
      {"ON", kTrue},
      {"n", kFalse},
      {"N", kFalse},
      {"no", kFalse},
      {"No", kFalse},
      {"NO", kFalse},
      {"false", kFalse},
      {"False", kFalse},
      {"FALSE", kFalse},
      {"off", kFalse},
      {"Off", kFalse},
      {"OFF", kFalse},
      {".nan", kNan},
      {".NaN", kNan},
      {".NAN", kNan},
      {".inf", kInf},
      {".Inf", kInf},
      {".INF", kInf},
      {"+.inf", kInf},
      {"+.Inf", kInf},
      {"+.INF", kInf},
      {"-.inf", kMinusInf},
      {"-.Inf", kMinusInf},
      {"-.INF", kMinusInf},
  };
  const auto found = std::ranges::find(kWords, text, &Word::text);
  return found == std::end(kWords) ? nullptr : found;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Go's strconv.ParseInt with base 0.
std::optional<std::int64_t> parse_integer(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+')) text.remove_prefix(1);
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char kind = text[1];
    base = kind == 'x' || kind == 'X' ? 16 : kind == 'b' || kind == 'B' ? 2 : 8;
    const bool letter = base != 8 || kind == 'o' || kind == 'O';
    text.remove_prefix(letter ? 2 : 1);
  }
  if (text.empty()) return std::nullopt;
  std::uint64_t magnitude = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), magnitude, base);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (magnitude > kMax + (negative ? 1 : 0)) return std::nullopt;
  return static_cast<std::int64_t>(negative ? ~magnitude + 1 : magnitude);
}

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const std::size_t from = at;
    while (at < text.size() && is_digit(text[at])) ++at;
    return at - from;
  };
  const auto one_of = [&](std::string_view set) {
    const bool found = at < text.size() && set.find(text[at]) != std::string_view::npos;
    at += found ? 1 : 0;
    return found;
  };
  one_of("+-");
  const std::size_t whole = digits();
  const std::size_t fraction = one_of(".") ? digits() : 0;
  if (whole == 0 && fraction == 0) return false;
  if (one_of("eE")) {
    one_of("+-");
    if (digits() == 0) return false;
  }
  return at == text.size();
}

std::optional<double> parse_float(std::string_view text) {
  if (!looks_like_float(text)) return std::nullopt;
  if (text.starts_with('+')) text.remove_prefix(1);
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Value resolve_yaml_scalar(std::string_view text) {
  constexpr std::size_t kLongestWord = 5;
  if (text.size() <= kLongestWord) {
    if (const Word* word = find_word(text)) return word->value;
  }
  constexpr std::size_t kLongestNumber = 128;
  const char first = text[0];
  const bool maybe_number = is_digit(first) || first == '-' || first == '+' || first == '.';
  if (!maybe_number || text.size() > kLongestNumber) return Value::string_ref(text);
  std::string plain(text);
  std::erase(plain, '_');
  if (const std::optional<std::int64_t> integer = parse_integer(plain)) {
    return Value::integer(*integer);
  }
  if (const std::optional<double> number = parse_float(plain)) {
    // On its way through JSON a whole float becomes an integer.
    constexpr double kExact = 9007199254740992;
    if (std::fabs(*number) <= kExact && *number == std::floor(*number)) {
      return Value::integer(static_cast<std::int64_t>(*number));
    }
    return Value::number(*number);
  }
  return Value::string_ref(text);
}

}  // namespace pinnace::api
