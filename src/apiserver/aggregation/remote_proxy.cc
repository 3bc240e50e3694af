#include "apiserver/aggregation/remote_proxy.h"

#include "apiserver/proxy/forward.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kOpenApiV3 = "/openapi/v3/";

}  // namespace

RemoteApiRef remote_for(const Backend& backend, const RequestInfo& info) {
  if (info.is_resource) return backend.aggregator->find(info.group, info.version);
  // Discovery and OpenAPI of one version: /apis/GROUP/VERSION.
  std::string_view path = info.path;
  if (path.starts_with(kOpenApiV3)) path.remove_prefix(kOpenApiV3.size() - 1);
  const auto parts = split(path, '/');
  const bool names_version = parts.size() >= 4 && parts[0].empty() && parts[1] == "apis";
  return names_version ? backend.aggregator->find(parts[2], parts[3]) : nullptr;
}

void add_caller(net::Headers& headers, const User& user) {
  headers.add("x-remote-user", user.name);
  if (!user.uid.empty()) headers.add("x-remote-uid", user.uid);
  for (const auto& group : user.groups) headers.add("x-remote-group", group);
  for (const auto& [key, values] : user.extra) {
    for (const auto& value : values) headers.add("x-remote-extra-" + percent_encode(key), value);
  }
}

void proxy_to_remote(const BackendRef& backend, const CallRef& call, const RemoteApi& remote) {
  if (!remote.is_available) {
    return answer_error(*call, errors::unavailable("service unavailable").error());
  }
  auto endpoint = remote_endpoint(*backend, remote);
  if (!endpoint) return answer_error(*call, errors::unavailable("service unavailable").error());
  Forwarding to{std::move(*endpoint), call->request.target, Upstream::kService, {}};
  add_caller(to.headers, call->user);
  // When the other server has told what there was is not for us to see, and costs us little.
  if (call->info.verb == "watch") call->turn.release();
  forward(call, std::move(to));
}

}  // namespace pinnace::apiserver
