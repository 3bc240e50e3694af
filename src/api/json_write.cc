#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "api/json.h"

namespace pinnace::api {
namespace {

// What a byte needs in a JSON string: nothing, an escape, or a look at the bytes that follow.
enum Need : std::uint8_t { kPlain, kEscape, kLook };

constexpr std::array<Need, 256> kNeeds = [] {
  std::array<Need, 256> needs{};
  for (int c = 0; c < 0x20; ++c) needs[c] = kEscape;
  for (unsigned char c : {'"', '\\', '<', '>', '&'}) needs[c] = kEscape;
  needs[0xe2] = kLook;  // U+2028 and U+2029 begin with it.
  return needs;
}();

// Sixteen bytes at once, as compilers of every machine have them.
using Block = unsigned char __attribute__((vector_size(16)));

bool is_plain(const char* sixteen) {
  Block block;
  std::memcpy(&block, sixteen, sizeof block);
  const auto marked = (block < 0x20) | (block == '"') | (block == '\\') | (block == '<') |
                      (block == '>') | (block == '&') | (block == 0xe2);
  std::uint64_t halves[2];
  std::memcpy(halves, &marked, sizeof halves);
  return (halves[0] | halves[1]) == 0;
}

constexpr char kHex[] = "0123456789abcdef";

void escape(std::string& out, unsigned char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      out += "\\u00";
      out += kHex[c >> 4];
      out += kHex[c & 15];
  }
}

// Go writes "1e-7" where to_chars gives "1e-07".
void drop_exponent_zero(std::string& out, std::size_t start) {
  const std::size_t e = out.find('e', start);
  if (e == std::string::npos || e + 2 >= out.size()) return;
  if (out[e + 2] == '0' && out.size() == e + 4) out.erase(e + 2, 1);
}

void write_indented(std::string& out, const Value& value, int indent, int level) {
  const auto newline = [&](int depth) {
    out += '\n';
    out.append(static_cast<std::size_t>(depth * indent), ' ');
  };
  if (value.empty() || !(value.is_array() || value.is_object())) return write_json(out, value);
  bool first = true;
  out += value.is_array() ? '[' : '{';
  if (value.is_array()) {
    for (const Value& item : value.items()) {
      if (!std::exchange(first, false)) out += ',';
      newline(level + 1);
      write_indented(out, item, indent, level + 1);
    }
  } else {
    for (const Member& member : value.members()) {
      if (!std::exchange(first, false)) out += ',';
      newline(level + 1);
      write_json_string(out, member.key);
      out += ": ";
      write_indented(out, member.value, indent, level + 1);
    }
  }
  newline(level);
  out += value.is_array() ? ']' : '}';
}

}  // namespace

void write_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t plain_from = 0, looked_until = 0;
  const auto flush = [&](std::size_t until) {
    out.append(text.data() + plain_from, until - plain_from);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i >= looked_until) {
      while (i + sizeof(Block) < text.size() && is_plain(text.data() + i)) i += sizeof(Block);
      looked_until = i + sizeof(Block);
    }
    const auto c = static_cast<unsigned char>(text[i]);
    const Need need = kNeeds[c];
    if (need == kPlain) [[likely]] {
      continue;
    }
    if (need == kEscape) {
      flush(i);
      escape(out, c);
      plain_from = i + 1;
    } else if (text.substr(i, 2) == "\xe2\x80" && i + 2 < text.size() &&
               (text[i + 2] == '\xa8' || text[i + 2] == '\xa9')) {
      flush(i);
      out += text[i + 2] == '\xa8' ? "\\u2028" : "\\u2029";
      plain_from = i + 3;
      i += 2;
    }
  }
  flush(text.size());
  out += '"';
}

void write_json_int(std::string& out, std::int64_t number) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, number).ptr;
  out.append(buffer, end);
}

void write_json_double(std::string& out, double number) {
  if (!std::isfinite(number)) {
    out += "null";
    return;
  }
  const double magnitude = std::fabs(number);
  const bool exponent = magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21);
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, number,
                    exponent ? std::chars_format::scientific : std::chars_format::fixed)
          .ptr;
  const std::size_t start = out.size();
  out.append(buffer, end);
  if (exponent) drop_exponent_zero(out, start);
}

void write_json(std::string& out, const Value& value) {
  switch (value.type()) {
    case Value::Type::kNull:
      out += "null";
      return;
    case Value::Type::kBool:
      out += value.as_bool() ? "true" : "false";
      return;
    case Value::Type::kInt:
      return write_json_int(out, value.as_int());
    case Value::Type::kDouble:
      return write_json_double(out, value.as_double());
    case Value::Type::kString:
      return write_json_string(out, value.as_string());
    case Value::Type::kArray: {
      char before = '[';
      for (const Value& item : value.items()) {
        out += std::exchange(before, ',');
        write_json(out, item);
      }
      if (before == '[') out += '[';
      out += ']';
      return;
    }
    case Value::Type::kObject: {
      char before = '{';
      for (const Member& member : value.members()) {
        out += std::exchange(before, ',');
        write_json_string(out, member.key);
        out += ':';
        write_json(out, member.value);
      }
      if (before == '{') out += '{';
      out += '}';
      return;
    }
  }
}

std::string to_json_text(const Value& value) {
  std::string out;
  write_json(out, value);
  return out;
}

std::string to_indented_json(const Value& value, int indent) {
  std::string out;
  write_indented(out, value, indent, 0);
  return out;
}

}  // namespace pinnace::api
