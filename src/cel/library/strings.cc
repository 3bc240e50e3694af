// Functions on texts; places and lengths are counted in characters.
//
// Source: cel-go's ext.Strings, version 2, and the standard library.
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "cel/internal/format_text.h"
#include "cel/internal/functions.h"
#include "cel/internal/utf8.h"

namespace pinnace::cel::internal {
namespace {

Value out_of_range(const Call& call, std::int64_t index) {
  return call.error(fmt::format("index out of range: {}", index));
}

Value contains(const Call& call) {
  return Value::boolean(call.text(0).find(call.text(1)) != std::string_view::npos);
}
Value starts_with(const Call& call) {
  return Value::boolean(call.text(0).starts_with(call.text(1)));
}
Value ends_with(const Call& call) { return Value::boolean(call.text(0).ends_with(call.text(1))); }

Value char_at(const Call& call) {
  const std::string_view text = call.text(0);
  const std::int64_t index = call.integer(1);
  const auto count = static_cast<std::int64_t>(count_characters(text));
  if (index < 0 || index > count) return out_of_range(call, index);
  if (index == count) return Value::string("");
  const std::size_t begin = byte_of(text, static_cast<std::size_t>(index));
  std::size_t end = begin;
  next_character(text, &end);
  return Value::string(text.substr(begin, end - begin));
}

Value index_of(const Call& call) {
  const std::string_view text = call.text(0), wanted = call.text(1);
  const std::int64_t from = call.count == 3 ? call.integer(2) : 0;
  if (from < 0) return out_of_range(call, from);
  const auto count = static_cast<std::int64_t>(count_characters(text));
  if (wanted.empty()) return Value::integer(std::min(from, count));
  if (from >= count) return Value::integer(-1);
  const std::size_t found = text.find(wanted, byte_of(text, static_cast<std::size_t>(from)));
  if (found == std::string_view::npos) return Value::integer(-1);
  return Value::integer(static_cast<std::int64_t>(count_characters(text.substr(0, found))));
}

Value last_index_of(const Call& call) {
  const std::string_view text = call.text(0), wanted = call.text(1);
  const auto count = static_cast<std::int64_t>(count_characters(text));
  const std::int64_t from = call.count == 3 ? call.integer(2) : count;
  if (from < 0) return out_of_range(call, from);
  if (wanted.empty()) return Value::integer(std::min(from, count));
  if (call.count == 3 && from >= count) return Value::integer(-1);
  const std::size_t found = text.rfind(wanted, byte_of(text, static_cast<std::size_t>(from)));
  if (found == std::string_view::npos) return Value::integer(-1);
  return Value::integer(static_cast<std::int64_t>(count_characters(text.substr(0, found))));
}

template <char kFirst, char kLast, int kShift>
Value shift_letters(const Call& call) {
  const std::string_view text = call.text(0);
  char* out = call.space.allocate<char>(text.size());
  std::ranges::transform(text, out, [](char c) {
    return c >= kFirst && c <= kLast ? static_cast<char>(c + kShift) : c;
  });
  return Value::string({out, text.size()});
}

// Where `wanted` begins; an empty text is found before every character and at the end.
std::vector<std::size_t> places_of(std::string_view text, std::string_view wanted,
                                   std::int64_t most) {
  std::vector<std::size_t> places;
  const auto full = [&] { return most >= 0 && static_cast<std::int64_t>(places.size()) >= most; };
  if (wanted.empty()) {
    for (std::size_t at = 0; at <= text.size() && !full();) {
      places.push_back(at);
      if (at == text.size()) break;
      next_character(text, &at);
    }
    return places;
  }
  for (std::size_t at = text.find(wanted); at != std::string_view::npos && !full();
       at = text.find(wanted, at + wanted.size())) {
    places.push_back(at);
  }
  return places;
}

Value replace(const Call& call) {
  const std::string_view text = call.text(0), before = call.text(1), after = call.text(2);
  const std::int64_t most = call.count == 4 ? call.integer(3) : -1;
  const std::vector<std::size_t> places = places_of(text, before, most);
  if (Call::is_too_large(text.size() + places.size() * after.size())) return Call::too_large();
  std::string result;
  std::size_t at = 0;
  for (const std::size_t place : places) {
    result += text.substr(at, place - at);
    result += after;
    at = place + before.size();
  }
  return call.string(result += text.substr(at));
}

Value texts(const Call& call, const std::vector<std::string_view>& parts) {
  Value* items = call.space.allocate<Value>(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) new (items + i) Value(Value::string(parts[i]));
  return Value::list({items, parts.size()});
}

Value split_text(const Call& call) {
  const std::string_view text = call.text(0), separator = call.text(1);
  const std::int64_t most = call.count == 3 ? call.integer(2) : -1;
  if (most == 0) return texts(call, {});
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  if (separator.empty()) {
    while (begin < text.size()) {
      std::size_t end = begin;
      next_character(text, &end);
      const bool last = most > 0 && static_cast<std::int64_t>(parts.size()) == most - 1;
      if (last) end = text.size();
      parts.push_back(text.substr(begin, end - begin));
      begin = end;
    }
    return texts(call, parts);
  }
  for (const std::size_t place : places_of(text, separator, most < 0 ? -1 : most - 1)) {
    parts.push_back(text.substr(begin, place - begin));
    begin = place + separator.size();
  }
  parts.push_back(text.substr(begin));
  return texts(call, parts);
}

Value substring(const Call& call) {
  const std::string_view text = call.text(0);
  const auto count = static_cast<std::int64_t>(count_characters(text));
  const std::int64_t start = call.integer(1);
  const std::int64_t end = call.count == 3 ? call.integer(2) : count;
  if (call.count == 3 && start > end) {
    return call.error(fmt::format("invalid substring range. start: {}, end: {}", start, end));
  }
  if (start < 0 || start > count) return out_of_range(call, start);
  if (end < 0 || end > count) return out_of_range(call, end);
  const std::size_t from = byte_of(text, static_cast<std::size_t>(start));
  const std::size_t to = byte_of(text, static_cast<std::size_t>(end));
  return Value::string(text.substr(from, to - from));
}

// White space as Unicode has it.
bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

Value trim_text(const Call& call) {
  const std::string_view text = call.text(0);
  std::size_t begin = text.size(), end = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    if (is_space(next_character(text, &at))) continue;
    begin = std::min(begin, start);
    end = at;
  }
  return Value::string(begin < end ? text.substr(begin, end - begin) : std::string_view());
}

Value quote(const Call& call) { return call.string(quoted(call.text(0))); }

Value join_texts(const Call& call) {
  const std::string_view separator = call.count == 2 ? call.text(1) : std::string_view();
  std::string result;
  for (std::size_t i = 0; i < call[0].list_size(); ++i) {
    const Value item = call[0].item(call.space, i);
    if (!item.is(Kind::kString)) return Value::error("no such overload");
    if (Call::is_too_large(result.size() + separator.size() + item.as_text().size())) {
      return Call::too_large();
    }
    if (i > 0) result += separator;
    result += item.as_text();
  }
  return call.string(result);
}

Value format(const Call& call) {
  std::string result;
  const std::string error = format_text(call.space, call.text(0), call[1], &result);
  return error.empty() ? call.string(result) : call.error(error);
}

// A JSON pointer's key: "~" and "/" are escaped.
Value escape_key(const Call& call) {
  std::string result;
  for (const char c : call.text(0)) {
    if (c == '~') {
      result += "~0";
    } else if (c == '/') {
      result += "~1";
    } else {
      result += c;
    }
  }
  return call.string(result);
}

constexpr Declaration kDeclarations[] = {
    {"contains", "contains_string", "string.(string) -> bool", contains},
    {"startsWith", "starts_with_string", "string.(string) -> bool", starts_with},
    {"endsWith", "ends_with_string", "string.(string) -> bool", ends_with},
    {"charAt", "string_char_at_int", "string.(int) -> string", char_at},
    {"indexOf", "string_index_of_string", "string.(string) -> int", index_of},
    {"indexOf", "string_index_of_string_int", "string.(string, int) -> int", index_of},
    {"lastIndexOf", "string_last_index_of_string", "string.(string) -> int", last_index_of},
    {"lastIndexOf", "string_last_index_of_string_int", "string.(string, int) -> int",
     last_index_of},
    {"lowerAscii", "string_lower_ascii", "string.() -> string", shift_letters<'A', 'Z', 32>},
    {"upperAscii", "string_upper_ascii", "string.() -> string", shift_letters<'a', 'z', -32>},
    {"replace", "string_replace_string_string", "string.(string, string) -> string", replace},
    {"replace", "string_replace_string_string_int", "string.(string, string, int) -> string",
     replace},
    {"split", "string_split_string", "string.(string) -> list(string)", split_text},
    {"split", "string_split_string_int", "string.(string, int) -> list(string)", split_text},
    {"substring", "string_substring_int", "string.(int) -> string", substring},
    {"substring", "string_substring_int_int", "string.(int, int) -> string", substring},
    {"trim", "string_trim", "string.() -> string", trim_text},
    {"strings.quote", "strings_quote", "(string) -> string", quote},
    {"join", "list_join", "list(string).() -> string", join_texts},
    {"join", "list_join_string", "list(string).(string) -> string", join_texts},
    {"format", "string_format", "string.(list(dyn)) -> string", format},
    {"jsonpatch.escapeKey", "string_jsonpatch_escapeKey_string", "(string) -> string", escape_key},
};

}  // namespace

std::span<const Declaration> string_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
