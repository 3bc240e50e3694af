#include "base/strings.h"
#include "net/http_client.h"

namespace pinnace::net {

Result<Url> parse_url(std::string_view text) {
  auto bad = [&] { return errors::bad_request("not a URL: " + std::string(text.substr(0, 200))); };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return bad();
  }
  auto slash = rest.find_first_of("/?");
  std::string_view authority = rest.substr(0, slash);
  if (slash != std::string_view::npos) url.path = std::string(rest.substr(slash));
  if (url.path.starts_with('?')) url.path.insert(0, 1, '/');
  if (authority.find('@') != std::string_view::npos) return bad();

  std::string_view port;
  if (authority.starts_with('[')) {
    auto end = authority.find(']');
    if (end == std::string_view::npos) return bad();
    url.host = std::string(authority.substr(1, end - 1));
    std::string_view after = authority.substr(end + 1);
    if (!after.empty() && after[0] != ':') return bad();
    if (!after.empty()) port = after.substr(1);
  } else {
    auto colon = authority.find(':');
    url.host = std::string(authority.substr(0, colon));
    if (colon != std::string_view::npos) port = authority.substr(colon + 1);
  }
  if (url.host.empty()) return bad();
  url.port = url.tls ? 443 : 80;
  if (!port.empty()) {
    auto number = parse_uint(port);
    if (!number || *number == 0 || *number > 65535) return bad();
    url.port = static_cast<int>(*number);
  }
  return url;
}

}  // namespace pinnace::net
