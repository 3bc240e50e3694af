// What a request's head says to the API server: paths, queries, media types, tokens of lists.
// Input: a path, a query, a header; each on a line.
#include <cstddef>
#include <cstdint>

#include "apiserver/http/media.h"
#include "apiserver/http/request_info.h"
#include "apiserver/proxy/kubelet_client.h"
#include "apiserver/registry/continue_token.h"
#include "apiserver/registry/registry.h"
#include "base/assert.h"
#include "base/strings.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pinnace;
  using namespace pinnace::apiserver;
  const auto lines = split({reinterpret_cast<const char*>(data), size}, '\n');
  const auto line = [&](std::size_t at) {
    return at < lines.size() ? std::string_view(lines[at]) : std::string_view();
  };
  const auto query = Query::parse(line(1));
  if (query) {
    (void)query->get_all("labelSelector");
    for (const char* method : {"GET", "POST", "DELETE"}) {
      const auto info = parse_request_info(method, line(0), *query);
      if (info && info->is_resource) PINNACE_ASSERT(!info->resource.empty());
    }
    (void)parse_continue(query->get("continue"));
    (void)parse_revision(query->get("resourceVersion"));
  }
  for (const char* resource : {"pods", "services", "nodes"}) {
    (void)parse_proxy_name(resource, line(0));
  }
  if (const auto token = parse_continue(line(2))) {
    const auto again = parse_continue(make_continue(*token));
    PINNACE_ASSERT(again && again->revision == token->revision && again->start == token->start);
  }
  (void)negotiate(line(2), {.shapes = true});
  (void)body_media(line(2));
  return 0;
}
