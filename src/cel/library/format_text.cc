#include "cel/internal/format_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <optional>
#include <vector>

#include "cel/internal/functions.h"
#include "cel/internal/text_of.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

constexpr int kDefaultPrecision = 6;
constexpr int kMaxPrecision = 1000;
constexpr int kMaxDepth = 100;

class Formatter {
 public:
  Formatter(Workspace& space, std::string_view format, const Value& arguments, std::string& out)
      : space_(space), rest_(format), arguments_(arguments), out_(out) {}

  std::string run() {
    while (error_.empty() && !rest_.empty()) {
      const std::size_t percent = std::min(rest_.find('%'), rest_.size());
      out_ += rest_.substr(0, percent);
      rest_.remove_prefix(percent);
      if (rest_.empty()) break;
      rest_.remove_prefix(1);
      if (rest_.empty()) return "unexpected end of string";
      if (rest_.starts_with('%')) {
        out_ += '%';
        rest_.remove_prefix(1);
        continue;
      }
      clause();
      if (Call::is_too_large(out_.size())) return "the result of the function is too large";
    }
    return error_;
  }

 private:
  void fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }

  void clause() {
    const auto precision = read_precision();
    if (!error_.empty()) return;
    const char letter = rest_[0];
    rest_.remove_prefix(1);
    if (next_ >= arguments_.list_size()) return fail(fmt::format("index {} out of range", next_));
    const Value argument = arguments_.item(space_, next_++);
    switch (letter) {
      case 's':
        return text(argument, 0);
      case 'd':
        return decimal(argument);
      case 'f':
        return floating(argument, precision, 'f');
      case 'e':
        return floating(argument, precision, 'e');
      case 'b':
        return binary(argument);
      case 'x':
      case 'X':
        return hexadecimal(argument, letter == 'X');
      case 'o':
        return octal(argument);
      default:
        fail(fmt::format("could not parse formatting clause: unrecognized formatting clause \"{}\"",
                         letter));
    }
  }

  int read_precision() {
    if (!rest_.starts_with('.')) return kDefaultPrecision;
    rest_.remove_prefix(1);
    int precision = 0;
    const auto [end, error] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), precision);
    rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    if (error != std::errc() || precision < 0) {
      fail("could not parse formatting clause: error while parsing precision");
    } else if (precision > kMaxPrecision) {
      fail(fmt::format("precision {} exceeds maximum allowed precision {}", precision,
                       kMaxPrecision));
    } else if (rest_.empty()) {
      fail("could not parse formatting clause: could not find end of precision specifier");
    }
    return precision;
  }

  void wrong(char clause, std::string_view allowed, const Value& argument) {
    fail(fmt::format("error during formatting: {} clause can only be used on {}, was given {}",
                     clause == 'd' ? "decimal" : std::string(1, clause), allowed,
                     runtime_name(argument.runtime_type())));
  }

  void text(const Value& value, int depth) {
    if (depth > kMaxDepth || !space_.spend_step() || Call::is_too_large(out_.size())) {
      return fail("the result of the function is too large");
    }
    switch (value.kind()) {
      case Kind::kList:
        return list(value, depth);
      case Kind::kMap:
      case Kind::kObject:
        return map(value, depth);
      case Kind::kNull:
        out_ += "null";
        return;
      case Kind::kType:
        out_ += runtime_name(value.as_type());
        return;
      case Kind::kOptional:
      case Kind::kOpaque:
      case Kind::kError:
        return fail(fmt::format(
            "error during formatting: string clause can only be used on strings, bools, bytes, "
            "ints, doubles, maps, lists, types, durations, and timestamps, was given {}",
            runtime_name(value.runtime_type())));
      default:
        out_ += text_of(value);
    }
  }

  // Inside of lists and maps values are written as CEL would read them.
  void element(const Value& value, int depth) {
    switch (value.kind()) {
      case Kind::kString:
        out_ += quoted(value.as_text());
        return;
      case Kind::kBytes:
        out_ += "b" + quoted(value.as_text());
        return;
      case Kind::kTimestamp:
        out_ += "timestamp(" + quoted(text_of(value)) + ")";
        return;
      case Kind::kDuration:
        out_ += "duration(" + quoted(text_of(value)) + ")";
        return;
      case Kind::kDouble:
        out_ += std::isfinite(value.as_double())
                    ? fmt::format("{:.{}f}", value.as_double(), kDefaultPrecision)
                    : quoted(text_of(value));
        return;
      default:
        return text(value, depth);
    }
  }

  void list(const Value& value, int depth) {
    out_ += '[';
    for (std::size_t i = 0; i < value.list_size() && error_.empty(); ++i) {
      if (i > 0) out_ += ", ";
      element(value.item(space_, i), depth + 1);
    }
    out_ += ']';
  }

  // Entries in the order of their keys' texts.
  void map(const Value& value, int depth) {
    struct Named {
      std::string key;
      std::size_t place;
    };
    std::vector<Named> entries;
    for (std::size_t i = 0; i < value.map_size(); ++i) {
      const Value key = value.key(i);
      entries.push_back({key.is(Kind::kString) ? quoted(key.as_text()) : text_of(key), i});
    }
    std::ranges::sort(entries, {}, &Named::key);
    out_ += '{';
    for (std::size_t i = 0; i < entries.size() && error_.empty(); ++i) {
      if (i > 0) out_ += ", ";
      out_ += entries[i].key + ":";
      element(value.value(space_, entries[i].place), depth + 1);
    }
    out_ += '}';
  }

  void decimal(const Value& value) {
    if (value.is(Kind::kInt)) {
      out_ += std::to_string(value.as_int());
    } else if (value.is(Kind::kUint)) {
      out_ += std::to_string(value.as_uint());
    } else if (value.is(Kind::kDouble) && !std::isfinite(value.as_double())) {
      out_ += text_of(value);
    } else {
      wrong('d', "integers", value);
    }
  }

  static bool is_word_for_number(std::string_view word, double* number) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (word == "NaN") *number = std::numeric_limits<double>::quiet_NaN();
    if (word == "Infinity") *number = kInfinity;
    if (word == "-Infinity") *number = -kInfinity;
    return !std::isfinite(*number);
  }

  void floating(const Value& value, int precision, char form) {
    double number = 0;
    if (value.is(Kind::kDouble)) {
      number = value.as_double();
    } else if (value.is(Kind::kInt)) {
      number = static_cast<double>(value.as_int());
    } else if (value.is(Kind::kUint)) {
      number = static_cast<double>(value.as_uint());
    } else if (value.is(Kind::kString) && is_word_for_number(value.as_text(), &number)) {
      // These have no literal.
    } else {
      return fail(fmt::format(
          "error during formatting: {} clause can only be used on doubles, was given {}",
          form == 'f' ? "fixed-point" : "scientific", runtime_name(value.runtime_type())));
    }
    if (!std::isfinite(number)) {
      out_ += std::isnan(number) ? "NaN" : number > 0 ? "\u221e" : "-\u221e";
    } else if (form == 'f') {
      out_ += with_groups(fmt::format("{:.{}f}", number, precision));
    } else {
      out_ += with_power(fmt::format("{:.{}e}", number, precision));
    }
  }

  // "1234567.5" as it is read in English: "1,234,567.5".
  static std::string with_groups(std::string text) {
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    std::size_t at = std::min(text.find('.'), text.size());
    for (; at > first + 3; at -= 3) text.insert(at - 3, ",");
    return text;
  }

  // "1.5e+03" as it is read in English: "1.5 × 10⁰³".
  static std::string with_power(const std::string& text) {
    constexpr const char* kDigits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                       "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    const std::size_t exponent = text.find('e');
    std::string result = text.substr(0, exponent) + "\u202f\u00d7\u202f10";
    for (const char c : text.substr(exponent + 1)) {
      if (c == '-') result += "\u207b";
      if (c >= '0' && c <= '9') result += kDigits[c - '0'];
    }
    return result;
  }

  // A number's magnitude in another base, with its sign.
  bool integer(const Value& value, const char* format) {
    if (value.is(Kind::kInt)) {
      const std::int64_t number = value.as_int();
      const std::uint64_t magnitude =
          number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
      if (number < 0) out_ += '-';
      out_ += fmt::format(fmt::runtime(format), magnitude);
      return true;
    }
    if (!value.is(Kind::kUint)) return false;
    out_ += fmt::format(fmt::runtime(format), value.as_uint());
    return true;
  }

  void binary(const Value& value) {
    if (value.is(Kind::kBool)) {
      out_ += value.as_bool() ? '1' : '0';
    } else if (!integer(value, "{:b}")) {
      fail(
          fmt::format("error during formatting: only integers and bools can be formatted as "
                      "binary, was given {}",
                      runtime_name(value.runtime_type())));
    }
  }

  void octal(const Value& value) {
    if (!integer(value, "{:o}")) {
      fail(fmt::format(
          "error during formatting: octal clause can only be used on integers, was given {}",
          runtime_name(value.runtime_type())));
    }
  }

  void hexadecimal(const Value& value, bool upper) {
    if (integer(value, upper ? "{:X}" : "{:x}")) return;
    if (!value.is(Kind::kString) && !value.is(Kind::kBytes)) {
      return fail(
          fmt::format("error during formatting: only integers, byte buffers, and strings "
                      "can be formatted as hex, was given {}",
                      runtime_name(value.runtime_type())));
    }
    for (const char c : value.as_text()) {
      const auto byte = static_cast<unsigned char>(c);
      out_ += upper ? fmt::format("{:02X}", byte) : fmt::format("{:02x}", byte);
    }
  }

  Workspace& space_;
  std::string_view rest_;
  const Value& arguments_;
  std::string& out_;
  std::string error_;
  std::size_t next_ = 0;
};

}  // namespace

std::string format_text(Workspace& space, std::string_view format, const Value& arguments,
                        std::string* out) {
  return Formatter(space, format, arguments, *out).run();
}

std::string quoted(std::string_view text) {
  constexpr std::string_view kSpecial = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view kLetters = "abfnrtv\\\"";
  std::string result = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const char32_t character = next_character(text, &at);
    const std::size_t special =
        character < 0x80 ? kSpecial.find(static_cast<char>(character)) : std::string_view::npos;
    if (special != std::string_view::npos) {
      result += '\\';
      result += kLetters[special];
    } else {
      append_character(result, character);
    }
  }
  return result + "\"";
}

}  // namespace pinnace::cel::internal
