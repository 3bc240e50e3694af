// ParsedUrl is an absolute URL, or an absolute path, taken apart the way Go's net/url does it.
//
// Source: RFC 3986; Go's url.ParseRequestURI, whose wording errors have.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace pinnace::cel::internal {

struct ParsedUrl {
  std::string scheme;  // in lower case
  std::string host;    // with its port; "[::1]:80"
  std::string path;    // percent-encoded
  std::string query;
  std::string opaque;  // All behind the scheme, where no "/" follows it.

  std::string_view hostname() const;
  std::string_view port() const;
  bool operator==(const ParsedUrl&) const = default;
};

std::expected<ParsedUrl, std::string> parse_url(std::string_view text);

}  // namespace pinnace::cel::internal
