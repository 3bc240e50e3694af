#include "apiserver/http/query.h"

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
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = query_decode(part.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::optional<std::string>("")
                                                  : query_decode(part.substr(equals + 1));
    if (!name || !value) {
      return errors::bad_request("invalid URL escape in the query: " + std::string(part));
    }
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
  const std::string value = to_lower(get(name));
  return !(value == "0" || value == "f" || value == "false");
}

}  // namespace pinnace::apiserver
