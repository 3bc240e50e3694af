#include "api/go_text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdio>
#include <utility>

#include "api/json.h"
#include "base/utf8.h"

namespace pinnace::api {
namespace {

void append_escaped_byte(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  ((out += "\\x") += kHex[byte >> 4U]) += kHex[byte & 15U];
}

// What Go's unicode.IsPrint refuses beyond ASCII: spaces, controls, formats, private use.
constexpr std::pair<char32_t, char32_t> kUnprintable[] = {
    {0x80, 0xa0},       {0xad, 0xad},       {0x600, 0x605},     {0x61c, 0x61c},
    {0x6dd, 0x6dd},     {0x70f, 0x70f},     {0x890, 0x891},     {0x8e2, 0x8e2},
    {0x1680, 0x1680},   {0x180e, 0x180e},   {0x2000, 0x200f},   {0x2028, 0x202f},
    {0x205f, 0x206f},   {0x3000, 0x3000},   {0xe000, 0xf8ff},   {0xfdd0, 0xfdef},
    {0xfeff, 0xfeff},   {0xfff0, 0xfffb},   {0xfffe, 0xffff},   {0x110bd, 0x110bd},
    {0x110cd, 0x110cd}, {0x13430, 0x1343f}, {0x1bca0, 0x1bca3}, {0x1d173, 0x1d17a},
    {0xe0000, 0xe00ff}, {0xe01f0, 0x10ffff}};

// As %v prints a float64.
std::string go_number(double number) {
  constexpr int kLeastFixed = -4, kFirstScientific = 6;
  char text[400];  // More than the longest in either form.
  const auto print = [&](std::chars_format format) {
    return std::string_view(text, std::to_chars(text, text + sizeof text, number, format).ptr);
  };
  const std::string_view scientific = print(std::chars_format::scientific);
  const std::string_view digits = scientific.substr(scientific.find('e') + 1);
  int exponent = 0;
  std::from_chars(digits.data() + (digits.starts_with('+') ? 1 : 0), digits.end(), exponent);
  const bool is_fixed = exponent >= kLeastFixed && exponent < kFirstScientific;
  return std::string(is_fixed ? print(std::chars_format::fixed) : scientific);
}

// A character beyond ASCII that the text begins with; its length.
std::size_t append_wide(std::string& out, std::string_view text) {
  const std::size_t length = utf8_length(text);
  if (length == 0) {
    append_escaped_byte(out, text[0]);
    return 1;
  }
  const std::string_view bytes = text.substr(0, length);
  const char32_t point = utf8_point(bytes);
  if (is_printable(point)) {
    out += bytes;
  } else {
    char escaped[11];
    std::snprintf(escaped, sizeof escaped, point < 0x10000 ? "\\u%04x" : "\\U%08x",
                  static_cast<unsigned>(point));
    out += escaped;
  }
  return length;
}

}  // namespace

bool is_printable(char32_t point) {
  if (point < 0x80) return point >= ' ' && point < 0x7f;
  return std::ranges::none_of(kUnprintable, [point](const auto& range) {
    return point >= range.first && point <= range.second;
  });
}

std::string go_quoted(std::string_view text) {
  constexpr std::array<std::pair<char, char>, 9> kEscapes = {{{'"', '"'},
                                                              {'\\', '\\'},
                                                              {'\a', 'a'},
                                                              {'\b', 'b'},
                                                              {'\f', 'f'},
                                                              {'\n', 'n'},
                                                              {'\r', 'r'},
                                                              {'\t', 't'},
                                                              {'\v', 'v'}}};
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (static_cast<unsigned char>(c) >= 0x80) {
      i += append_wide(out, text.substr(i)) - 1;
      continue;
    }
    const auto* const escape = std::ranges::find(kEscapes, c, &std::pair<char, char>::first);
    if (escape != kEscapes.end()) {
      (out += '\\') += escape->second;
    } else if (static_cast<unsigned char>(c) < ' ' || c == 0x7f) {
      append_escaped_byte(out, c);
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string go_quoted_ascii(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < ' ' || byte >= 0x7f) {
      append_escaped_byte(out, c);
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

std::string go_text(const Value& value, bool with_types) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "<nil>";
    case Value::Type::kString:
      return with_types ? go_quoted(value.as_string()) : std::string(value.as_string());
    case Value::Type::kDouble:
      return go_number(value.as_double());
    case Value::Type::kArray: {
      std::string text = with_types ? "[]interface {}{" : "[";
      bool is_first = true;
      for (const Value& item : value.items()) {
        if (!is_first) text += with_types ? ", " : " ";
        is_first = false;
        text += go_text(item, with_types);
      }
      return text += with_types ? "}" : "]";
    }
    case Value::Type::kObject: {
      std::string text = with_types ? "map[string]interface {}{" : "map[";
      bool is_first = true;
      for (const auto& [key, member] : value.members()) {
        if (!is_first) text += with_types ? ", " : " ";
        is_first = false;
        text += with_types ? go_quoted(key) : std::string(key);
        (text += ':') += go_text(member, with_types);
      }
      return text += with_types ? "}" : "]";
    }
    default:
      return to_json_text(value);
  }
}

std::string_view go_type(const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      return "<nil>";
    case Value::Type::kBool:
      return "bool";
    case Value::Type::kInt:
      return "int64";
    case Value::Type::kDouble:
      return "float64";
    case Value::Type::kString:
      return "string";
    case Value::Type::kArray:
      return "[]interface {}";
    case Value::Type::kObject:
      return "map[string]interface {}";
  }
  return "";
}

std::string_view go_name(Form form) {
  switch (form) {
    case Form::kBool:
      return "bool";
    case Form::kInt32:
      return "int32";
    case Form::kInt64:
      return "int64";
    case Form::kUint32:
      return "uint32";
    case Form::kUint64:
      return "uint64";
    case Form::kDouble:
      return "float64";
    case Form::kBytes:
      return "[]uint8";
    case Form::kTime:
      return "v1.Time";
    case Form::kMicroTime:
      return "v1.MicroTime";
    case Form::kDuration:
      return "v1.Duration";
    default:
      return "string";
  }
}

}  // namespace pinnace::api
