// url("https://example.com/a?b=c") and what may be asked of it.
//
// Source: k8s.io/apiserver/pkg/cel/library/urls.go.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/strings.h"
#include "cel/internal/format_text.h"
#include "cel/internal/functions.h"
#include "cel/internal/url_text.h"

namespace pinnace::cel::internal {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }

// The first "%" that no two hexadecimal digits follow; npos when there is none.
std::string bad_escape(std::string_view text) {
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1)) {
    if (at + 2 >= text.size() || !is_hex(text[at + 1]) || !is_hex(text[at + 2])) {
      return std::string(text.substr(at, 3));
    }
  }
  return {};
}

bool stays_in_path(char c) {
  return is_letter(c) || is_digit(c) || is_one_of(c, "-_.~!$&'()*+,;=:@/[]%");
}

// As it was written, when that is a valid encoding; else encoded anew.
std::string escaped_path(std::string_view path) {
  if (std::ranges::all_of(path, stays_in_path)) return std::string(path);
  std::string result;
  for (const char c : percent_decode(path).value_or(std::string(path))) {
    const bool stays = is_letter(c) || is_digit(c) || is_one_of(c, "-_.~$&+,/:;=@");
    result += stays ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  std::expected<ParsedUrl, std::string> run() {
    if (text_.empty()) return wrong("empty url");
    if (std::ranges::any_of(text_, [](char c) { return (c >= 0 && c < 0x20) || c == 0x7F; })) {
      return wrong("net/url: invalid control character in URL");
    }
    if (const std::size_t fragment = rest_.find('#'); fragment != std::string_view::npos) {
      rest_ = rest_.substr(0, fragment);
    }
    ParsedUrl url;
    std::string error = scheme(url);
    if (!error.empty()) return wrong(error);
    if (const std::size_t query = rest_.find('?'); query != std::string_view::npos) {
      url.query = rest_.substr(query + 1);
      rest_ = rest_.substr(0, query);
    }
    if (!rest_.starts_with('/')) {
      if (url.scheme.empty()) return wrong("invalid URI for request");
      url.opaque = rest_;
      return url;
    }
    if (!url.scheme.empty() && rest_.starts_with("//")) {
      error = authority(url);
      if (!error.empty()) return wrong(error);
    }
    if (const std::string bad = bad_escape(rest_); !bad.empty()) {
      return wrong("invalid URL escape " + quoted(bad));
    }
    url.path = escaped_path(rest_);
    return url;
  }

 private:
  std::unexpected<std::string> wrong(std::string_view why) const {
    return std::unexpected(fmt::format("parse {}: {}", quoted(text_), why));
  }

  std::string scheme(ParsedUrl& url) {
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      const char c = rest_[i];
      if (is_letter(c)) continue;
      if (is_digit(c) || is_one_of(c, "+-.")) {
        if (i == 0) return {};
        continue;
      }
      if (c != ':') return {};
      if (i == 0) return "missing protocol scheme";
      url.scheme = to_lower(rest_.substr(0, i));
      rest_.remove_prefix(i + 1);
      return {};
    }
    return {};
  }

  std::string authority(ParsedUrl& url) {
    rest_.remove_prefix(2);
    const std::size_t end = std::min(rest_.find('/'), rest_.size());
    std::string_view host = rest_.substr(0, end);
    rest_.remove_prefix(end);
    if (const std::size_t at = host.rfind('@'); at != std::string_view::npos) {
      if (const std::string bad = bad_escape(host.substr(0, at)); !bad.empty()) {
        return "invalid URL escape " + quoted(bad);
      }
      host.remove_prefix(at + 1);
    }
    std::string_view port;
    if (host.starts_with('[')) {
      const std::size_t close = host.rfind(']');
      if (close == std::string_view::npos) return "missing ']' in host";
      port = host.substr(close + 1);
    } else if (const std::size_t colon = host.rfind(':'); colon != std::string_view::npos) {
      port = host.substr(colon);
    }
    if (!port.empty() && (port[0] != ':' || !std::all_of(port.begin() + 1, port.end(), is_digit))) {
      return fmt::format("invalid port {} after host", quoted(port));
    }
    for (const char c : host) {
      const bool fits = static_cast<unsigned char>(c) >= 0x80 || is_letter(c) || is_digit(c) ||
                        is_one_of(c, "-_.~!$&'()*+,;=:[]<>\"%");
      if (!fits) return fmt::format("invalid character {} in host name", quoted({&c, 1}));
    }
    if (const std::string bad = bad_escape(host); !bad.empty()) {
      return "invalid URL escape " + quoted(bad);
    }
    url.host = percent_decode(host).value_or(std::string(host));
    return {};
  }

  std::string_view text_, rest_;
};

const Type kUrlType{.kind = TypeKind::kOpaque, .name = "kubernetes.URL"};

class UrlValue final : public Opaque {
 public:
  const Type& type() const override { return kUrlType; }
  bool equals(const Opaque& other) const override {
    const auto& url = static_cast<const UrlValue&>(other);
    return scheme == url.scheme && host == url.host && path == url.path && query == url.query &&
           opaque == url.opaque;
  }

  std::string_view scheme, host, hostname, port, path, query, opaque;
};

const UrlValue& url_of(const Call& call) {
  return static_cast<const UrlValue&>(call[0].as_opaque());
}

Value url(const Call& call) {
  const auto parsed = parse_url(call.text(0));
  if (!parsed) {
    return call.error("URL parse error during conversion from string: " + parsed.error());
  }
  auto* value = call.space.make<UrlValue>();
  value->scheme = call.space.copy(parsed->scheme);
  value->host = call.space.copy(parsed->host);
  value->hostname = call.space.copy(parsed->hostname());
  value->port = call.space.copy(parsed->port());
  value->path = call.space.copy(parsed->path);
  value->query = call.space.copy(parsed->query);
  value->opaque = call.space.copy(parsed->opaque);
  return Value::opaque(*value);
}
Value is_url(const Call& call) { return Value::boolean(parse_url(call.text(0)).has_value()); }

template <std::string_view UrlValue::*kPart>
Value part(const Call& call) {
  return Value::string(url_of(call).*kPart);
}

// Every name with its values, in the order in which they stand; what cannot be decoded is left out.
Value query(const Call& call) {
  std::vector<std::pair<std::string, std::vector<Value>>> names;
  for (const std::string_view pair : split(url_of(call).query, '&')) {
    if (pair.empty() || pair.find(';') != std::string_view::npos) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const auto name = query_decode(pair.substr(0, equals));
    const auto value = query_decode(pair.substr(std::min(equals + 1, pair.size())));
    if (!name || !value) continue;
    auto known = std::ranges::find(names, *name, [](const auto& each) { return each.first; });
    if (known == names.end()) known = names.insert(known, {*name, {}});
    known->second.push_back(call.string(*value));
  }
  MapBuilder map(call.space, names.size());
  for (const auto& [name, values] : names) {
    Value* items = call.space.allocate<Value>(values.size());
    std::uninitialized_copy(values.begin(), values.end(), items);
    map.add(call.string(name), Value::list({items, values.size()}));
  }
  return Value::map(*map.finish());
}

constexpr std::string_view kText = "kubernetes.URL.() -> string";

constexpr Declaration kDeclarations[] = {
    {"url", "string_to_url", "(string) -> kubernetes.URL", url},
    {"isURL", "is_url_string", "(string) -> bool", is_url},
    {"getScheme", "url_get_scheme", kText, part<&UrlValue::scheme>},
    {"getHost", "url_get_host", kText, part<&UrlValue::host>},
    {"getHostname", "url_get_hostname", kText, part<&UrlValue::hostname>},
    {"getPort", "url_get_port", kText, part<&UrlValue::port>},
    {"getEscapedPath", "url_get_escaped_path", kText, part<&UrlValue::path>},
    {"getQuery", "url_get_query", "kubernetes.URL.() -> map(string, list(string))", query},
};

}  // namespace

std::string_view ParsedUrl::hostname() const {
  const std::string_view all = host;
  if (all.starts_with('[')) return all.substr(1, all.rfind(']') - 1);
  return all.substr(0, std::min(all.rfind(':'), all.size()));
}

std::string_view ParsedUrl::port() const {
  const std::string_view all = host;
  const std::size_t from = all.starts_with('[') ? all.rfind(']') : 0;
  const std::size_t colon = all.rfind(':');
  if (colon == std::string_view::npos || colon < from) return {};
  return all.substr(colon + 1);
}

std::expected<ParsedUrl, std::string> parse_url(std::string_view text) {
  return Parser(text).run();
}

std::span<const Declaration> url_declarations() { return kDeclarations; }

}  // namespace pinnace::cel::internal
