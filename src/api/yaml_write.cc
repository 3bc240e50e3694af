#include <algorithm>
#include <utility>
#include <vector>

#include "api/yaml.h"
#include "api/yaml_scalar.h"
#include "base/strings.h"

namespace pinnace::api {
namespace {

bool is_plain(std::string_view text) {
  if (!resolve_yaml_scalar(text).is_string()) return false;
  if (text == "<<" || text == "=" || text.front() == ' ' || text.back() == ' ') return false;
  if (std::string_view("-?:,[]{}#&*!|>'\"%@`").find(text.front()) != std::string_view::npos) {
    const bool dash_word =
        text.size() > 1 && text.front() == '-' && text[1] != ' ' && !text.starts_with("--");
    if (!dash_word) return false;
  }
  if (text.back() == ':' || text.starts_with("...")) return false;
  // What only looks like a number or a date to other readers.
  if (text.front() >= '0' && text.front() <= '9' && std::ranges::all_of(text, [](char c) {
        return (c >= '0' && c <= '9') ||
               std::string_view(".:-_TZtz+ eE").find(c) != std::string_view::npos;
      })) {
    return false;
  }
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c < 0x20 || c == 0x7f || c >= 0x80) return false;
    if (c == ':' && i + 1 < text.size() && text[i + 1] == ' ') return false;
    if (c == '#' && i > 0 && text[i - 1] == ' ') return false;
  }
  return true;
}

bool fits_literal_block(std::string_view text) {
  if (text.find('\n') == std::string_view::npos || text.front() == ' ' || text.front() == '\n') {
    return false;
  }
  return is_valid_utf8(text) && std::ranges::all_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte == '\n' || (byte >= 0x20 && byte < 0x7f);
         });
}

void indent(std::string& out, int level) { out.append(static_cast<std::size_t>(level) * 2, ' '); }

void write_literal_block(std::string& out, std::string_view text, int level) {
  const bool one_newline = text.ends_with('\n') && !text.ends_with("\n\n");
  out += one_newline ? "|" : text.ends_with('\n') ? "|+" : "|-";
  if (text.ends_with('\n')) text.remove_suffix(1);
  for (std::string_view line : split(text, '\n')) {
    out += '\n';
    if (line.empty()) continue;
    indent(out, level);
    out += line;
  }
}

// What YAML does not print, or takes for the end of a line, where JSON prints it as it is: the
// code point at `at` and the number of its bytes; 0 when the character may stand.
std::pair<unsigned, std::size_t> unprintable(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0;
  };
  if (byte(0) == 0x7f) return {0x7f, 1};
  if (byte(0) == 0xc2 && byte(1) >= 0x80 && byte(1) <= 0x9f) return {byte(1), 2};
  if (byte(0) == 0xef && byte(1) == 0xbb && byte(2) == 0xbf) return {0xfeff, 3};
  if (byte(0) == 0xef && byte(1) == 0xbf && byte(2) >= 0xbe) return {0xff40 | byte(2), 3};
  return {0, 0};
}

void write_quoted(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789abcdef";
  std::string json;
  write_json_string(json, text);
  for (std::size_t i = 0; i < json.size();) {
    const auto [code, bytes] = unprintable(json, i);
    if (bytes == 0) {
      out += json[i++];
      continue;
    }
    out += "\\u";
    for (int shift = 12; shift >= 0; shift -= 4) out += kHex[code >> shift & 0xf];
    i += bytes;
  }
}

void write_scalar(std::string& out, const Value& value, int level) {
  if (!value.is_string()) return write_json(out, value);
  const std::string_view text = value.as_string();
  if (is_plain(text)) {
    out += text;
  } else if (fits_literal_block(text)) {
    write_literal_block(out, text, std::max(level, 1));
  } else {
    write_quoted(out, text);
  }
}

// A key stands on one line. Readers take no long one but with a question mark before it.
void write_key(std::string& out, std::string_view key, int level) {
  constexpr std::size_t kLongestSimpleKey = 128;
  const std::size_t start = out.size();
  if (is_plain(key)) {
    out += key;
  } else {
    write_quoted(out, key);
  }
  if (out.size() - start > kLongestSimpleKey) {
    out.insert(start, "? ");
    out += '\n';
    indent(out, level);
  }
  out += ':';
}

// Writes at the cursor, which stands after "key:" or "-" or at a line's start; no newline at the
// end. `level` is the level of what is inside.
void write_node(std::string& out, const Value& value, int level);

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80); }

// The digits that a key has from here on.
std::string_view number_at(std::string_view key, std::size_t at) {
  key.remove_prefix(at);
  return key.substr(0, key.find_first_not_of("0123456789"));
}

// Whether the digits before have one that counts: then zeros after it count, too.
bool follows_number(std::string_view key, std::size_t at) {
  while (at > 0 && is_digit(key[at - 1])) {
    if (key[--at] != '0') return true;
  }
  return false;
}

// The order of Go's YAML: numbers inside of keys by what they amount to, other characters before
// letters.
bool goes_before(std::string_view a, std::string_view b) {
  const auto at = static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
  if (at == a.size() || at == b.size()) return a.size() < b.size();
  if (is_letter(a[at]) && is_letter(b[at])) return a[at] < b[at];
  if (is_letter(a[at]) || is_letter(b[at])) {
    const bool is_after_digit = at > 0 && is_digit(a[at - 1]);
    return is_after_digit == is_letter(a[at]);
  }
  const std::string_view digits_a = number_at(a, at), digits_b = number_at(b, at);
  std::string_view number_a = digits_a, number_b = digits_b;
  if (!follows_number(a, at)) {
    number_a.remove_prefix(std::min(number_a.find_first_not_of('0'), number_a.size()));
    number_b.remove_prefix(std::min(number_b.find_first_not_of('0'), number_b.size()));
  }
  if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
  if (number_a != number_b) return number_a < number_b;
  if (digits_a.size() != digits_b.size()) return digits_a.size() < digits_b.size();
  return a[at] < b[at];
}

void write_members(std::string& out, const Value& object, int level, bool first_in_place) {
  std::vector<const Member*> sorted;
  sorted.reserve(object.members().size());
  for (const Member& member : object.members()) sorted.push_back(&member);
  std::ranges::stable_sort(sorted, [](const Member* one, const Member* other) {
    return goes_before(one->key, other->key);
  });
  for (const Member* each : sorted) {
    const Member& member = *each;
    if (!first_in_place) {
      out += '\n';
      indent(out, level);
    }
    first_in_place = false;
    write_key(out, member.key, level);
    // Lists stand at the level of their key, as kubectl prints them.
    write_node(out, member.value, member.value.is_array() ? level : level + 1);
  }
}

void write_node(std::string& out, const Value& value, int level) {
  if (value.empty() || !(value.is_array() || value.is_object())) {
    out += ' ';
    return write_scalar(out, value, level);
  }
  if (value.is_object()) return write_members(out, value, level, false);
  for (const Value& item : value.items()) {
    out += '\n';
    indent(out, level);
    out += '-';
    if (item.is_object() && !item.empty()) {
      out += ' ';
      write_members(out, item, level + 1, true);
    } else {
      write_node(out, item, level + 1);
    }
  }
}

}  // namespace

std::string to_yaml_text(const Value& value) {
  std::string out;
  write_node(out, value, 0);
  out.erase(0, 1);  // The newline or space before the first node.
  return out + '\n';
}

}  // namespace pinnace::api
