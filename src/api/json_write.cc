#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "api/json.h"
#include "base/byte_block.h"

namespace pinnace::api {
namespace {

// A thread keeps a scratch buffer up to this size.
constexpr std::size_t kKeptScratchBytes = 64 << 10;

// What a byte needs in a JSON string: nothing, an escape, or a look at the bytes that follow.
enum Need : std::uint8_t { kPlain, kEscape, kLook };

constexpr std::array<Need, 256> kNeeds = [] {
  std::array<Need, 256> needs{};
  for (int c = 0; c < 0x20; ++c) needs[c] = kEscape;
  for (unsigned char c : {'"', '\\', '<', '>', '&'}) needs[c] = kEscape;
  needs[0xe2] = kLook;  // U+2028 and U+2029 begin with it.
  return needs;
}();

constexpr auto needy = [](ByteBlock block) {
  return (block < 0x20) | (block == '"') | (block == '\\') | (block == '<') | (block == '>') |
         (block == '&') | (block == 0xe2);
};

// A text that needs no escapes, in quotes, with what stands before and after it, if anything.
void append_plain(std::string& out, char before, std::string_view text, char after) {
  const std::size_t had = out.size();
  const std::size_t size = had + text.size() + 2 + (before != '\0') + (after != '\0');
  // What it is told of the room is not asked: libstdc++ 12 tells the capacity.
  out.resize_and_overwrite(size, [&](char* whole, std::size_t) {
    char* to = whole + had;
    if (before != '\0') *to++ = before;
    *to++ = '"';
    if (!text.empty()) std::memcpy(to, text.data(), text.size());
    to += text.size();
    *to++ = '"';
    if (after != '\0') *to = after;
    return size;
  });
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
  if (has_none(text, needy)) return append_plain(out, '\0', text, '\0');
  out += '"';
  std::size_t plain_from = 0;
  const auto flush = [&](std::size_t until) {
    out.append(text.data() + plain_from, until - plain_from);
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    while (i + sizeof(ByteBlock) < text.size()) {
      const std::size_t plain = first_of(needy(load_block(text.data() + i)));
      i += plain;
      if (plain < sizeof(ByteBlock)) break;
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

void write_json_key(std::string& out, char before, std::string_view key) {
  if (has_none(key, needy)) return append_plain(out, before, key, ':');
  out += before;
  write_json_string(out, key);
  out += ':';
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
      for (const auto& [key, member] : value.members()) {
        write_json_key(out, std::exchange(before, ','), key);
        write_json(out, member);
      }
      if (before == '{') out += '{';
      out += '}';
      return;
    }
  }
}

std::string to_json_text(const Value& value) {
  // Grown once, so that the result is as large as it must be.
  thread_local std::string scratch;
  scratch.clear();
  write_json(scratch, value);
  std::string out = scratch;
  if (scratch.capacity() > kKeptScratchBytes) std::string().swap(scratch);
  return out;
}

std::string to_indented_json(const Value& value, int indent) {
  std::string out;
  write_indented(out, value, indent, 0);
  return out;
}

}  // namespace pinnace::api
