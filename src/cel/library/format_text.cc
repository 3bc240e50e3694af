#include "cel/internal/format_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include "cel/internal/functions.h"
#include "cel/internal/text_of.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

constexpr int kDefaultPrecision = 6;
constexpr int kMaxPrecision = 1000;
constexpr int kMaxDepth = 100;

// Each clause's kinds, and what is said of others.
struct Clause {
  char letter;
  std::initializer_list<TypeKind> kinds;
  std::string_view refusal;
};
const Clause kClauses[] = {
    {'s',
     {TypeKind::kList, TypeKind::kMap, TypeKind::kInt, TypeKind::kUint, TypeKind::kDouble,
      TypeKind::kBool, TypeKind::kString, TypeKind::kTimestamp, TypeKind::kBytes,
      TypeKind::kDuration, TypeKind::kType, TypeKind::kNull},
     "string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, "
     "durations, and timestamps"},
    {'d', {TypeKind::kInt, TypeKind::kUint}, "decimal clause can only be used on integers"},
    {'f', {TypeKind::kDouble, TypeKind::kString}, "fixed-point clause can only be used on doubles"},
    {'e', {TypeKind::kDouble, TypeKind::kString}, "scientific clause can only be used on doubles"},
    {'b',
     {TypeKind::kInt, TypeKind::kUint, TypeKind::kBool},
     "only integers and bools can be formatted as binary"},
    {'x',
     {TypeKind::kInt, TypeKind::kUint, TypeKind::kString, TypeKind::kBytes},
     "only integers, byte buffers, and strings can be formatted as hex"},
    {'o', {TypeKind::kInt, TypeKind::kUint}, "octal clause can only be used on integers"},
};

const Clause* find_clause(char letter) {
  const auto* const found =
      std::ranges::find(kClauses, letter == 'X' ? 'x' : letter, &Clause::letter);
  return found == std::end(kClauses) ? nullptr : found;
}

class Formatter {
 public:
  Formatter(Workspace& space, std::string_view format, const Value& arguments, std::string& out)
      : space_(space), reader_(format, arguments.list_size()), arguments_(arguments), out_(out) {}

  std::string run() {
    while (const auto clause = reader_.next(out_)) {
      letter_ = clause->letter;
      write(arguments_.item(space_, clause->argument), clause->precision);
      if (!error_.empty()) return error_;
      if (Call::is_too_large(out_.size())) return "the result of the function is too large";
    }
    return reader_.error();
  }

 private:
  void fail(std::string message) {
    if (error_.empty()) error_ = std::move(message);
  }
  void wrong(const Value& value) {
    fail(wrong_argument(letter_, runtime_name(value.runtime_type())));
  }

  void write(const Value& argument, int precision) {
    switch (letter_) {
      case 's':
        return text(argument, 0);
      case 'd':
        return integer(argument, "{}");
      case 'f':
      case 'e':
        return floating(argument, precision);
      case 'b':
        if (!argument.is(Kind::kBool)) return integer(argument, "{:b}");
        out_ += argument.as_bool() ? '1' : '0';
        return;
      case 'o':
        return integer(argument, "{:o}");
      default:
        return hexadecimal(argument, letter_ == 'X');
    }
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
        return wrong(value);
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

  static bool is_word_for_number(std::string_view word, double* number) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (word == "NaN") *number = std::numeric_limits<double>::quiet_NaN();
    if (word == "Infinity") *number = kInfinity;
    if (word == "-Infinity") *number = -kInfinity;
    return !std::isfinite(*number);
  }

  // What a scientific clause has for precision is its width: so it is in cel-go's version 2.
  void floating(const Value& value, int precision) {
    double number = value.is(Kind::kDouble) ? value.as_double() : 0;
    const bool is_word = value.is(Kind::kString) && is_word_for_number(value.as_text(), &number);
    if (!value.is(Kind::kDouble) && !is_word) return wrong(value);
    const bool is_fixed = letter_ == 'f';
    std::string shown;
    if (!std::isfinite(number)) {
      shown = std::isnan(number) ? "NaN" : number > 0 ? "\u221e" : "-\u221e";
    } else if (is_fixed) {
      shown = with_groups(fmt::format("{:.{}f}", number, precision));
    } else {
      shown = with_power(fmt::format("{:.{}e}", number, kDefaultPrecision));
    }
    const auto width = is_fixed ? 0 : static_cast<std::size_t>(precision);
    const std::size_t characters = count_characters(shown);
    out_.append(width > characters ? width - characters : 0, ' ');
    out_ += shown;
  }

  // "1234567.5" as it is read in English: "1,234,567.5".
  static std::string with_groups(std::string text) {
    const std::size_t first = text.starts_with('-') ? 1 : 0;
    std::size_t at = std::min(text.find('.'), text.size());
    for (; at > first + 3; at -= 3) text.insert(at - 3, ",");
    return text;
  }

  // "1.5e+03" as it is read in English: "1.5×10⁰³".
  static std::string with_power(const std::string& text) {
    constexpr const char* kDigits[] = {"\u2070", "\u00b9", "\u00b2", "\u00b3", "\u2074",
                                       "\u2075", "\u2076", "\u2077", "\u2078", "\u2079"};
    const std::size_t exponent = text.find('e');
    std::string result = text.substr(0, exponent) + "\u00d710";
    for (const char c : text.substr(exponent + 1)) {
      if (c == '-') result += "\u207b";
      if (c >= '0' && c <= '9') result += kDigits[c - '0'];
    }
    return result;
  }

  // A number's magnitude in a base, with its sign.
  void integer(const Value& value, const char* format) {
    if (value.is(Kind::kInt)) {
      const std::int64_t number = value.as_int();
      const std::uint64_t magnitude =
          number < 0 ? 0 - static_cast<std::uint64_t>(number) : static_cast<std::uint64_t>(number);
      if (number < 0) out_ += '-';
      out_ += fmt::format(fmt::runtime(format), magnitude);
    } else if (value.is(Kind::kUint)) {
      out_ += fmt::format(fmt::runtime(format), value.as_uint());
    } else {
      wrong(value);
    }
  }

  void hexadecimal(const Value& value, bool upper) {
    if (!value.is(Kind::kString) && !value.is(Kind::kBytes)) {
      return integer(value, upper ? "{:X}" : "{:x}");
    }
    for (const char c : value.as_text()) {
      const auto byte = static_cast<unsigned char>(c);
      out_ += upper ? fmt::format("{:02X}", byte) : fmt::format("{:02x}", byte);
    }
  }

  Workspace& space_;
  FormatReader reader_;
  const Value& arguments_;
  std::string& out_;
  std::string error_;
  char letter_ = 's';
};

}  // namespace

std::optional<FormatClause> FormatReader::next(std::string& text) {
  constexpr std::string_view kUnread = "could not parse formatting clause: ";
  while (error_.empty() && !rest_.empty()) {
    const std::size_t percent = std::min(rest_.find('%'), rest_.size());
    text += rest_.substr(0, percent);
    rest_.remove_prefix(percent);
    if (rest_.empty()) break;
    rest_.remove_prefix(1);
    if (rest_.starts_with('%')) {
      text += '%';
      rest_.remove_prefix(1);
      continue;
    }
    const std::size_t argument = next_++;
    if (rest_.empty()) {
      error_ = "unexpected end of string";
    } else if (argument >= arguments_) {
      error_ = fmt::format("index {} out of range", argument);
    }
    const int precision = read_precision();
    if (!error_.empty()) break;
    const char letter = rest_[0];
    rest_.remove_prefix(1);
    if (find_clause(letter) != nullptr) return FormatClause{letter, precision, argument};
    error_ = fmt::format("{}unrecognized formatting clause \"{}\"", kUnread, letter);
  }
  return std::nullopt;
}

int FormatReader::read_precision() {
  if (!error_.empty() || !rest_.starts_with('.')) return kDefaultPrecision;
  rest_.remove_prefix(1);
  const std::size_t digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
  const std::string_view number = rest_.substr(0, digits);
  rest_.remove_prefix(digits);
  int precision = 0;
  const auto code = std::from_chars(number.data(), number.data() + digits, precision).ec;
  constexpr std::string_view kUnread =
      "could not parse formatting clause: error while parsing precision: ";
  if (rest_.empty()) {
    error_ = fmt::format("{}could not find end of precision specifier", kUnread);
  } else if (code != std::errc()) {
    error_ = fmt::format(
        "{}error while converting precision to integer: strconv.Atoi: parsing \"{}\": {}", kUnread,
        number, number.empty() ? "invalid syntax" : "value out of range");
  } else if (precision > kMaxPrecision) {
    error_ =
        fmt::format("precision {} exceeds maximum allowed precision {}", precision, kMaxPrecision);
  }
  return precision;
}

bool takes_kind(char letter, TypeKind kind) {
  const Clause* clause = find_clause(letter);
  return kind == TypeKind::kDyn || std::ranges::count(clause->kinds, kind) > 0;
}

std::string wrong_argument(char letter, std::string_view type_name) {
  return fmt::format("error during formatting: {}, was given {}", find_clause(letter)->refusal,
                     type_name);
}

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
