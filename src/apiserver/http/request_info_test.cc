#include "apiserver/http/request_info.h"

#include <gtest/gtest.h>

namespace pinnace::apiserver {
namespace {

std::string describe(std::string_view method, std::string_view target) {
  const auto mark = target.find('?');
  const auto query =
      Query::parse(mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1));
  if (!query) return "bad query";
  const auto info = parse_request_info(method, target.substr(0, mark), *query);
  if (!info) return "bad path";
  if (!info->is_resource) return info->verb + " " + info->path;
  std::string text = info->verb + " " + info->group + "/" + info->version + " " + info->resource;
  text += " ns=" + info->ns + " name=" + info->name + " sub=" + info->subresource;
  for (const auto& part : info->rest) text += " rest=" + part;
  return text;
}

struct Row {
  const char* method;
  const char* target;
  const char* wanted;
};

TEST(RequestInfo, NamesWhatThePathAsksFor) {
  const Row rows[] = {
      {"GET", "/healthz", "get /healthz"},
      {"GET", "/api", "get /api"},
      {"GET", "/apis/apps/v1", "get /apis/apps/v1"},
      {"GET", "/api/v1/pods", "list /v1 pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=true", "watch /v1 pods ns= name= sub="},
      {"GET", "/api/v1/pods?watch=false", "list /v1 pods ns= name= sub="},
      {"GET", "/api/v1/watch/pods", "watch /v1 pods ns= name= sub="},
      {"GET", "/api/v1/watch/namespaces/a/pods/p", "watch /v1 pods ns=a name=p sub="},
      {"GET", "/api/v1/namespaces/a/pods/p?watch=true", "get /v1 pods ns=a name=p sub="},
      {"GET", "/api/v1/namespaces", "list /v1 namespaces ns= name= sub="},
      {"GET", "/api/v1/namespaces/a", "get /v1 namespaces ns=a name=a sub="},
      {"PUT", "/api/v1/namespaces/a/finalize", "update /v1 namespaces ns=a name=a sub=finalize"},
      {"POST", "/api/v1/namespaces/a/pods", "create /v1 pods ns=a name= sub="},
      {"DELETE", "/api/v1/namespaces/a/pods", "deletecollection /v1 pods ns=a name= sub="},
      {"GET", "/api/v1/namespaces/a/pods/p/log", "get /v1 pods ns=a name=p sub=log"},
      {"PATCH", "/apis/apps/v1/namespaces/a/deployments/d/scale",
       "patch apps/v1 deployments ns=a name=d sub=scale"},
      {"GET", "/api/v1/nodes/system%3Anode", "get /v1 nodes ns= name=system:node sub="},
      {"GET", "/api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Dx",
       "list /v1 pods ns=a name=x sub="},
      {"GET", "/api/v1/namespaces/a/services/s/proxy/b//c",
       "get /v1 services ns=a name=s sub=proxy rest=/b//c"},
      {"GET", "/api/v1/nodes/n/proxy/x//y", "get /v1 nodes ns= name=n sub=proxy rest=/x//y"},
      {"GET", "/api/v1/namespaces/proxy/pods/p/log", "get /v1 pods ns=proxy name=p sub=log"},
      {"GET", "/api/v1/namespaces/proxy/services/proxy/proxy/a",
       "get /v1 services ns=proxy name=proxy sub=proxy rest=/a"},
      {"GET", "/api/v1/namespaces/a/pods/..", "bad path"},
      {"GET", "/api/v1/namespaces/a/pods/%2e%2e", "bad path"},
      {"GET", "/api/v1/namespaces/a/pods/b%2Fc", "bad path"},
      {"GET", "/api/v1//pods", "bad path"},
      {"GET", "/api/v1/pods?limit=%zz&watch=true&a;b", "watch /v1 pods ns= name= sub="},
  };
  for (const Row& row : rows) EXPECT_EQ(describe(row.method, row.target), row.wanted) << row.target;
}

}  // namespace
}  // namespace pinnace::apiserver
