#include "api/json_scan.h"

#include <cstring>

namespace pinnace::api {
namespace {

class Scanner {
 public:
  explicit Scanner(std::string_view text) : at_(text.data()), end_(text.data() + text.size()) {}

  bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  // Past a string; its text with the quotes.
  std::string_view string() {
    const char* start = at_;
    if (!take('"')) return {};
    while (at_ != end_) {
      const auto* quote =
          static_cast<const char*>(std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_)));
      if (quote == nullptr) break;
      at_ = quote + 1;
      const char* slash = quote;
      while (slash > start + 1 && slash[-1] == '\\') --slash;
      if ((quote - slash) % 2 == 0) return {start, at_};
    }
    at_ = end_;
    return {};
  }

  std::string_view value() {
    const char* start = at_;
    if (at_ == end_) return {};
    if (*at_ == '"') return string();
    if (*at_ == '{' || *at_ == '[') {
      skip_nested();
    } else {
      while (at_ != end_ && *at_ != ',' && *at_ != '}' && *at_ != ']') ++at_;
    }
    return {start, at_};
  }

 private:
  void skip_nested() {
    std::size_t depth = 0;
    while (at_ != end_) {
      switch (*at_) {
        case '"':
          string();
          continue;
        case '{':
        case '[':
          ++depth;
          break;
        case '}':
        case ']':
          --depth;
          break;
        default:
          break;
      }
      ++at_;
      if (depth == 0) return;
    }
  }

  const char* at_;
  const char* end_;
};

std::string_view find_member(std::string_view object, std::string_view name) {
  Scanner scanner(object);
  if (!scanner.take('{')) return {};
  do {
    const std::string_view key = scanner.string();
    if (key.size() < 2 || !scanner.take(':')) return {};
    const std::string_view value = scanner.value();
    if (key.substr(1, key.size() - 2) == name) return value;
  } while (scanner.take(','));
  return {};
}

}  // namespace

std::string_view find_in_json(std::string_view json, std::span<const std::string_view> path) {
  for (const std::string_view name : path) json = find_member(json, name);
  return json;
}

}  // namespace pinnace::api
