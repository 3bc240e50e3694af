// RequestInfo is what a request asks for, in the API's terms: the form on which it is authorised
// and carried out.
//
// Errors: a path with bad escapes, empty parts, "." or ".." names nothing and is a 400.
// Source: kubernetes.io/docs/reference/using-api/api-concepts, "Resource URIs".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apiserver/http/query.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct RequestInfo {
  bool is_resource = false;
  std::string path;  // Decoded; for rules on non-resource URLs.
  std::string verb;  // "list"; for other URLs the method in lower case.
  std::string group, version;
  std::string ns;  // Empty: cluster scope, or all namespaces.
  std::string resource, name, subresource;
  std::vector<std::string> rest;  // What follows the subresource (proxies).
};

// Whether it goes on to something behind the server, or streams from it: exec, attach,
// port-forward, proxy, logs.
bool connects(const RequestInfo& info);
// Whether it goes on for as long as its client likes; watches are among them.
bool lasts(const RequestInfo& info);

// `path` is not decoded. `query` tells watches from lists and the name of a one-object list.
Result<RequestInfo> parse_request_info(std::string_view method, std::string_view path,
                                       const Query& query);

}  // namespace pinnace::apiserver
