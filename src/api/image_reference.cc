#include "api/image_reference.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::api {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_lower_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); }
bool is_alnum(char c) { return is_lower_alnum(c) || (c >= 'A' && c <= 'Z'); }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// Letters and digits, with ".", "_", "__" or any number of "-" between them.
bool is_path_part(std::string_view part) {
  if (part.empty() || !is_lower_alnum(part.front()) || !is_lower_alnum(part.back())) return false;
  for (std::size_t i = 0; i < part.size();) {
    if (is_lower_alnum(part[i])) {
      ++i;
      continue;
    }
    std::size_t end = i;
    while (end < part.size() && part[end] == part[i]) ++end;
    const std::size_t most = part[i] == '.' ? 1 : part[i] == '_' ? 2 : part[i] == '-' ? end - i : 0;
    if (end - i > most || !is_lower_alnum(part[end])) return false;
    i = end;
  }
  return true;
}

bool is_host(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
    return !host.empty() && std::ranges::all_of(host, [](char c) { return is_hex(c) || c == ':'; });
  }
  return std::ranges::all_of(split(host, '.'), [](std::string_view part) {
    return !part.empty() && is_alnum(part.front()) && is_alnum(part.back()) &&
           std::ranges::all_of(part, [](char c) { return is_alnum(c) || c == '-'; });
  });
}

bool is_registry(std::string_view registry) {
  const auto colon = registry.rfind(':');
  if (colon == std::string_view::npos || registry.ends_with(']')) return is_host(registry);
  const std::string_view port = registry.substr(colon + 1);
  return is_host(registry.substr(0, colon)) && !port.empty() && std::ranges::all_of(port, is_digit);
}

bool is_tag(std::string_view tag) {
  constexpr std::size_t kMaxBytes = 128;
  const auto is_word = [](char c) { return is_alnum(c) || c == '_'; };
  return !tag.empty() && tag.size() <= kMaxBytes && is_word(tag.front()) &&
         std::ranges::all_of(tag, [&](char c) { return is_word(c) || c == '.' || c == '-'; });
}

bool is_digest(std::string_view digest) {
  constexpr std::size_t kLeastDigits = 32;
  const auto colon = digest.find(':');
  if (colon == std::string_view::npos || colon == 0) return false;
  const std::string_view sum = digest.substr(colon + 1);
  bool follows_letter = false;
  for (const char c : digest.substr(0, colon)) {
    const bool joins = c == '-' || c == '_' || c == '+' || c == '.';
    if (!is_alnum(c) && !joins) return false;
    if (!follows_letter && (joins || is_digit(c))) return false;  // Each part begins with a letter.
    follows_letter = !joins;
  }
  return follows_letter && sum.size() >= kLeastDigits && std::ranges::all_of(sum, is_hex);
}

// The number of an image is not its name.
bool is_identifier(std::string_view image) {
  constexpr std::size_t kDigits = 64;
  return image.size() == kDigits &&
         std::ranges::all_of(image, [](char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); });
}

bool is_path(std::string_view path) {
  constexpr std::size_t kMaxBytes = 255;
  return path.size() <= kMaxBytes && std::ranges::all_of(split(path, '/'), is_path_part);
}

}  // namespace

std::optional<std::string_view> image_tag(std::string_view image) {
  if (is_identifier(image)) return std::nullopt;
  std::string_view name = image;
  const auto at = name.find('@');
  if (at != std::string_view::npos) {
    if (!is_digest(name.substr(at + 1))) return std::nullopt;
    name = name.substr(0, at);
  }
  std::string_view tag = at == std::string_view::npos ? "latest" : "";
  const auto colon = name.rfind(':');
  if (colon != std::string_view::npos && name.find('/', colon) == std::string_view::npos) {
    tag = name.substr(colon + 1);
    if (!is_tag(tag)) return std::nullopt;
    name = name.substr(0, colon);
  }
  // A first part that looks like a host is one.
  const auto slash = name.find('/');
  const std::string_view first = name.substr(0, slash);
  const bool has_registry =
      slash != std::string_view::npos &&
      (first.find_first_of(".:") != std::string_view::npos || first == "localhost" ||
       std::ranges::any_of(first, [](char c) { return c >= 'A' && c <= 'Z'; }));
  if (has_registry) {
    if (!is_registry(first)) return std::nullopt;
    name = name.substr(slash + 1);
  }
  return is_path(name) ? std::optional(tag) : std::nullopt;
}

}  // namespace pinnace::api
