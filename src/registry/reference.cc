#include "registry/reference.h"

#include <algorithm>

#include "base/strings.h"

namespace pinnace::registry {

namespace {

constexpr std::size_t kMaxNameBytes = 255;
constexpr std::size_t kMaxTagBytes = 128;

bool is_lower_or_digit(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }
bool is_alphanumeric(char c) { return is_lower_or_digit(c) || (c >= 'A' && c <= 'Z'); }

// Lower-case letters and digits, with ".", "_", "__" or dashes between them.
bool is_path_component(std::string_view text) {
  if (text.empty() || !is_lower_or_digit(text.front()) || !is_lower_or_digit(text.back())) {
    return false;
  }
  for (std::size_t i = 0; i < text.size();) {
    if (is_lower_or_digit(text[i])) {
      ++i;
      continue;
    }
    const char separator = text[i];
    std::size_t run = 0;
    while (i < text.size() && text[i] == separator) ++i, ++run;
    const bool fits =
        separator == '-' || (separator == '.' && run == 1) || (separator == '_' && run <= 2);
    if (!fits || !is_lower_or_digit(text[i])) return false;
  }
  return true;
}

bool is_domain(std::string_view text) {
  return !text.empty() && (is_alphanumeric(text.front()) || text.front() == '[') &&
         std::all_of(text.begin(), text.end(), [](char c) {
           return is_alphanumeric(c) || c == '.' || c == '-' || c == ':' || c == '[' || c == ']';
         });
}

bool is_tag(std::string_view text) {
  if (text.empty() || text.size() > kMaxTagBytes || text.front() == '.' || text.front() == '-') {
    return false;
  }
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_alphanumeric(c) || c == '_' || c == '.' || c == '-'; });
}

}  // namespace

std::string Reference::text() const {
  std::string out = name();
  if (!tag.empty()) out += ':' + tag;
  if (!digest.empty()) out += '@' + digest;
  return out;
}

// The shortest form that still means this image: without its registry "a.b/c" would name another.
std::string Reference::familiar() const {
  const std::string full = text();
  for (const std::string_view implied : {"docker.io/library/", "docker.io/"}) {
    if (!full.starts_with(implied)) continue;
    const auto meant = parse_reference(std::string_view(full).substr(implied.size()));
    if (meant && *meant == *this) return full.substr(implied.size());
  }
  return full;
}

bool is_digest(std::string_view text) {
  return text.size() == 71 && text.starts_with("sha256:") &&
         std::all_of(text.begin() + 7, text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

Result<Reference> parse_reference(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return errors::bad_request("invalid image name \"" + std::string(text) +
                               "\": " + std::string(why));
  };
  Reference reference;
  std::string_view rest = text;
  if (const auto at = rest.find('@'); at != std::string_view::npos) {
    reference.digest = rest.substr(at + 1);
    if (!is_digest(reference.digest)) {
      return wrong("a digest is \"sha256:\" and 64 hexadecimal digits");
    }
    rest = rest.substr(0, at);
  }
  const auto slash = rest.rfind('/');
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && (slash == std::string_view::npos || colon > slash)) {
    reference.tag = rest.substr(colon + 1);
    if (!is_tag(reference.tag)) {
      return wrong("a tag has at most 128 letters, digits, '_', '.' and '-'");
    }
    rest = rest.substr(0, colon);
  }
  const auto first_slash = rest.find('/');
  const std::string_view head = rest.substr(0, first_slash);
  const bool has_domain =
      first_slash != std::string_view::npos &&
      (head.find_first_of(".:") != std::string_view::npos || head == "localhost");
  reference.domain = has_domain ? head : "docker.io";
  if (has_domain) rest = rest.substr(first_slash + 1);
  if (reference.domain == "index.docker.io") reference.domain = "docker.io";
  if (reference.domain == "docker.io" && rest.find('/') == std::string_view::npos) {
    reference.repository = "library/";
  }
  reference.repository += rest;
  if (!is_domain(reference.domain))
    return wrong("the registry's host has a character that no host has");
  for (const auto part : split(reference.repository, '/')) {
    if (!is_path_component(part)) {
      return wrong("a repository has lower-case letters, digits and single separators");
    }
  }
  if (reference.name().size() > kMaxNameBytes) return wrong("it is longer than 255 characters");
  if (reference.tag.empty() && reference.digest.empty()) reference.tag = "latest";
  return reference;
}

}  // namespace pinnace::registry
