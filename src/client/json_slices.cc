#include "client/json_slices.h"

#include <cstddef>

#include "base/byte_block.h"

namespace pinnace::client {

namespace {

// The place of the first of these, or the text's size.
std::size_t quote_or_backslash(std::string_view text) {
  std::size_t at = 0;
  for (; at + sizeof(ByteBlock) <= text.size(); at += sizeof(ByteBlock)) {
    const ByteBlock block = load_block(text.data() + at);
    const std::size_t first = first_of((block == '"') | (block == '\\'));
    if (first < sizeof(ByteBlock)) return at + first;
  }
  while (at < text.size() && text[at] != '"' && text[at] != '\\') ++at;
  return at;
}

struct Scanner {
  std::string_view text;
  std::size_t at = 0;

  char peek() const { return at < text.size() ? text[at] : '\0'; }
  void skip_space() {
    while (at < text.size() &&
           (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r')) {
      ++at;
    }
  }
  bool take(char wanted) {
    skip_space();
    if (peek() != wanted) return false;
    ++at;
    return true;
  }
  // Past a string whose opening quote is at `at`.
  bool skip_string() {
    ++at;
    while (at < text.size()) {
      at += quote_or_backslash(text.substr(at));
      if (at >= text.size()) break;
      if (text[at] == '"') {
        ++at;
        return true;
      }
      at += 2;  // The backslash and what it makes of the next one.
    }
    at = text.size();
    return false;
  }
  // Past an object or array, by counting brackets outside strings.
  bool skip_nested() {
    int depth = 0;
    while (at < text.size()) {
      const char c = text[at];
      if (c == '"') {
        if (!skip_string()) return false;
        continue;
      }
      ++at;
      if (c == '{' || c == '[') ++depth;
      if ((c == '}' || c == ']') && --depth == 0) return true;
    }
    return false;
  }
  bool skip_value() {
    const char c = peek();
    if (c == '"') return skip_string();
    if (c == '{' || c == '[') return skip_nested();
    const std::size_t first = at;
    while (at < text.size() &&
           std::string_view(",]} \n\t\r").find(text[at]) == std::string_view::npos) {
      ++at;
    }
    return at > first;
  }
  bool value(std::string_view& raw) {
    skip_space();
    const std::size_t first = at;
    if (!skip_value()) return false;
    raw = text.substr(first, at - first);
    return true;
  }
};

}  // namespace

bool for_each_member(std::string_view object,
                     const std::function<void(std::string_view, std::string_view)>& visit) {
  Scanner scan{object};
  if (!scan.take('{')) return false;
  if (scan.take('}')) return true;
  while (true) {
    std::string_view key, raw;
    if (!scan.value(key) || key.size() < 2 || key.front() != '"' || !scan.take(':') ||
        !scan.value(raw)) {
      return false;
    }
    visit(key.substr(1, key.size() - 2), raw);
    if (scan.take('}')) return true;
    if (!scan.take(',')) return false;
  }
}

bool for_each_element(std::string_view array, const std::function<void(std::string_view)>& visit) {
  Scanner scan{array};
  if (!scan.take('[')) return false;
  if (scan.take(']')) return true;
  while (true) {
    std::string_view raw;
    if (!scan.value(raw)) return false;
    visit(raw);
    if (scan.take(']')) return true;
    if (!scan.take(',')) return false;
  }
}

std::string_view raw_member(std::string_view object, std::string_view key) {
  Scanner scan{from_member(object, key)};
  std::string_view raw;
  return scan.value(raw) ? raw : std::string_view();
}

std::string_view from_member(std::string_view object, std::string_view key) {
  Scanner scan{object};
  if (!scan.take('{')) return {};
  while (true) {
    std::string_view each, raw;
    if (!scan.value(each) || !scan.take(':')) return {};
    if (each.starts_with('"') && each.size() == key.size() + 2 &&
        each.substr(1, key.size()) == key) {
      scan.skip_space();
      return object.substr(scan.at);
    }
    if (!scan.value(raw) || !scan.take(',')) return {};
  }
}

EventSlices event_slices(std::string_view line) {
  const std::string_view type = plain_string(raw_member(line, "type"));
  const std::string_view object = from_member(line, "object");
  const auto end = object.rfind('}');
  if (type.empty() || end == std::string_view::npos) return {};
  return {type, object.substr(0, end)};
}

std::string_view plain_string(std::string_view raw) {
  if (raw.size() < 2 || raw.front() != '"' || raw.find('\\') != std::string_view::npos) return {};
  return raw.substr(1, raw.size() - 2);
}

}  // namespace pinnace::client
