#include "api/go_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "api/json.h"

namespace pinnace::api {
namespace {

void append_escaped_byte(std::string& out, char c) {
  constexpr std::string_view kHex = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  ((out += "\\x") += kHex[byte >> 4U]) += kHex[byte & 15U];
}

}  // namespace

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
  for (const char c : text) {
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
