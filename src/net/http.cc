#include "net/http.h"

#include <algorithm>

#include "base/byte_block.h"
#include "base/strings.h"

namespace pinnace::net {
namespace {
constexpr std::size_t kUsualHeaders = 12;
}  // namespace

void Headers::add(std::string_view name, std::string_view value) {
  if (entries_.empty()) entries_.reserve(kUsualHeaders);
  auto& entry = entries_.emplace_back(std::string(name), std::string(value));
  if (!has_none(name, [](ByteBlock block) { return (block >= 'A') & (block <= 'Z'); })) {
    entry.first = to_lower(name);
  }
  // A value with a line end would let whoever chose it write headers of his own.
  if (has_none(value, [](ByteBlock block) { return block < 0x20; })) return;
  for (char& c : entry.second)
    if (c == '\r' || c == '\n' || c == '\0') c = ' ';
}

void Headers::set(std::string_view name, std::string_view value) {
  remove(name);
  add(name, value);
}

void Headers::remove(std::string_view name) {
  std::erase_if(entries_,
                [&](const auto& entry) { return equal_ignoring_case(entry.first, name); });
}

std::string_view Headers::get(std::string_view name) const {
  for (const auto& [key, value] : entries_)
    if (key.size() == name.size() && equal_ignoring_case(key, name)) return value;
  return {};
}

bool Headers::has(std::string_view name) const {
  return std::any_of(entries_.begin(), entries_.end(),
                     [&](const auto& entry) { return equal_ignoring_case(entry.first, name); });
}

std::vector<std::string_view> Headers::get_all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : entries_)
    if (equal_ignoring_case(key, name)) values.push_back(value);
  return values;
}

bool Headers::has_token(std::string_view name, std::string_view token) const {
  for (const auto& [key, value] : entries_) {
    if (!equal_ignoring_case(key, name)) continue;
    for (std::string_view part : split(value, ','))
      if (equal_ignoring_case(trim(part), token)) return true;
  }
  return false;
}

void Exchange::respond(int status, Headers headers, std::string body) {
  respond(status, std::move(headers), std::make_shared<const std::string>(std::move(body)));
}

}  // namespace pinnace::net
