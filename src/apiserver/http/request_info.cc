#include "apiserver/http/request_info.h"

#include <algorithm>
#include <iterator>

#include "api/names.h"
#include "api/selector.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

// "/apis/GROUP/VERSION/namespaces/NAMESPACE/RESOURCE/NAME/SUBRESOURCE".
constexpr std::size_t kUsualParts = 8;

std::string verb_of(std::string_view method) {
  if (method == "POST") return "create";
  if (method == "GET" || method == "HEAD") return "get";
  if (method == "PUT") return "update";
  if (method == "PATCH") return "patch";
  if (method == "DELETE") return "delete";
  return {};
}

Result<std::vector<std::string>> decoded_parts(std::string_view path) {
  std::vector<std::string> parts;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  if (!path.empty() && path.back() == '/') path.remove_suffix(1);
  if (path.empty()) return parts;
  parts.reserve(kUsualParts);
  while (true) {
    const std::size_t slash = path.find('/');
    auto part = percent_decode(path.substr(0, slash));
    if (!part) return errors::bad_request("invalid URL escape in the path");
    const bool is_clean = !part->empty() && *part != "." && *part != ".." &&
                          part->find('\0') == std::string::npos &&
                          part->find('/') == std::string::npos;
    if (!is_clean) return errors::bad_request("the path has an empty or ambiguous part");
    parts.push_back(std::move(*part));
    if (slash == std::string_view::npos) return parts;
    path.remove_prefix(slash + 1);
  }
}

// A proxied path is handed on as it came, so its parts are not judged as names. It begins after the
// subresource of "/api/V/RESOURCE/NAME/proxy/" or "/api/V/namespaces/NS/RESOURCE/NAME/proxy/".
std::string_view cut_at_proxy(std::string_view path, std::string_view& tail) {
  constexpr std::string_view kCore = "/api/", kNamespaces = "namespaces/", kProxy = "proxy/";
  if (!path.starts_with(kCore)) return path;
  std::size_t at = kCore.size();
  const auto skip = [&](int parts) {
    for (; parts > 0 && at != std::string_view::npos; --parts) {
      const auto slash = path.find('/', at);
      at = slash == std::string_view::npos ? slash : slash + 1;
    }
  };
  skip(1);
  if (at != std::string_view::npos && path.substr(at).starts_with(kNamespaces)) skip(2);
  skip(2);
  if (at == std::string_view::npos || !path.substr(at).starts_with(kProxy)) return path;
  tail = path.substr(at + kProxy.size() - 1);
  return path.substr(0, at + kProxy.size() - 1);
}

// "metadata.name=x" in a field selector: the request is about that one object.
std::string selected_name(std::string_view field_selector) {
  if (field_selector.empty()) return {};
  const auto selector = api::parse_field_selector(field_selector);
  const std::string* name = selector ? selector->required_value("metadata.name") : nullptr;
  const bool is_name = name != nullptr && api::check_path_segment_name(*name).empty();
  return is_name ? *name : std::string();
}

void refine_verb(RequestInfo& info, const Query& query, bool legacy_watch) {
  if (legacy_watch) {
    info.verb = "watch";  // Whatever the method.
  } else if (info.verb == "get" && info.name.empty() && query.flag("watch")) {
    info.verb = "watch";
  } else if (info.verb == "get" && info.name.empty()) {
    info.verb = "list";
  } else if (info.verb == "delete" && info.name.empty()) {
    info.verb = "deletecollection";
  }
  if (info.name.empty() && (info.verb == "list" || info.verb == "watch")) {
    info.name = selected_name(query.get("fieldSelector"));
  }
}

}  // namespace

bool connects(const RequestInfo& info) {
  static constexpr std::string_view kConnections[] = {"attach", "exec", "log", "portforward",
                                                      "proxy"};
  return info.is_resource &&
         std::ranges::find(kConnections, info.subresource) != std::end(kConnections);
}

bool lasts(const RequestInfo& info) {
  return info.verb == "watch" || info.verb == "proxy" || connects(info);
}

Result<RequestInfo> parse_request_info(std::string_view method, std::string_view path,
                                       const Query& query) {
  RequestInfo info;
  std::string_view proxied;
  auto decoded = decoded_parts(cut_at_proxy(path, proxied));
  if (!decoded) return std::unexpected(std::move(decoded.error()));
  std::vector<std::string>& parts = *decoded;
  info.path = "/" + join(parts, "/");
  info.verb = to_lower(method);

  const bool is_core = parts.size() >= 3 && parts[0] == "api";
  const bool is_grouped = parts.size() >= 4 && parts[0] == "apis";
  if (!is_core && !is_grouped) return info;
  std::size_t at = 1;
  if (is_grouped) info.group = std::move(parts[at++]);
  info.version = std::move(parts[at++]);
  info.is_resource = true;
  info.verb = verb_of(method);
  const bool legacy_watch = parts[at] == "watch" && parts.size() > at + 1;
  if (legacy_watch) ++at;

  const auto next = [&]() -> std::string {
    return at < parts.size() ? std::move(parts[at++]) : std::string();
  };
  info.resource = next();
  if (info.resource == "namespaces" && at < parts.size()) {
    info.ns = next();
    const std::string below = next();
    if (below.empty() || below == "status" || below == "finalize") {
      info.name = info.ns;
      info.subresource = below;
    } else {
      info.resource = below;
      info.name = next();
      info.subresource = next();
    }
  } else {
    info.name = next();
    info.subresource = next();
  }
  while (at < parts.size()) info.rest.push_back(next());
  if (!proxied.empty()) info.rest.push_back(std::string(proxied));
  refine_verb(info, query, legacy_watch);
  return info;
}

}  // namespace pinnace::apiserver
