#include "apiserver/http/query.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxParameters = 256;

}  // namespace

Result<Query> Query::parse(std::string_view text) {
  Query query;
  while (!text.empty()) {
    const auto end = text.find('&');
    const std::string_view part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty() || part.find(';') != part.npos) continue;
    const auto equals = part.find('=');
    auto name = query_decode(part.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : query_decode(part.substr(equals + 1));
    if (!name || !value) continue;
    if (query.entries_.size() == kMaxParameters) {
      return errors::bad_request("too many query parameters");
    }
    query.entries_.emplace_back(std::move(*name), std::move(*value));
  }
  return query;
}

std::string_view Query::get(std::string_view name) const {
  for (const auto& [key, value] : entries_) {
    if (key == name) return value;
  }
  return {};
}

bool Query::has(std::string_view name) const {
  for (const auto& entry : entries_) {
    if (entry.first == name) return true;
  }
  return false;
}

std::vector<std::string> Query::get_all(std::string_view name) const {
  std::vector<std::string> values;
  for (const auto& [key, value] : entries_) {
    if (key == name) values.push_back(value);
  }
  return values;
}

bool Query::flag(std::string_view name) const {
  if (!has(name)) return false;
  const std::string_view value = get(name);
  return value != "0" && !equal_ignoring_case(value, "false");
}

std::string not_a_number(std::string_view function, std::string_view text) {
  std::string_view digits = text;
  if (function == "ParseInt" && (digits.starts_with('-') || digits.starts_with('+'))) {
    digits.remove_prefix(1);
  }
  const bool is_number = !digits.empty() && std::ranges::all_of(digits, [](char digit) {
    return digit >= '0' && digit <= '9';
  });
  return "strconv." + std::string(function) + ": parsing \"" + std::string(text) +
         "\": " + (is_number ? "value out of range" : "invalid syntax");
}

Result<std::optional<std::int64_t>> query_integer(const Query& query, std::string_view name) {
  if (!query.has(name)) return std::nullopt;
  const std::string_view text = query.get(name);
  const auto number = parse_int(text);
  if (!number) return errors::bad_request(not_a_number("ParseInt", text));
  return *number;
}

}  // namespace pinnace::apiserver
