#include "apiserver/http/strict_transport.h"

#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

TEST(StrictTransport, IsSaidByEveryAnswer) {
  testing::TestServer server;
  server.configuration.requests.strict_transport_directives = {"max-age=1", "preload"};
  for (const char* path : {"/", "/healthz", "/api/v1/namespaces", "/api/v1/namespaces?watch=true",
                           "/nope", "/api/v1/namespaces/nope", "/api/v1/nodes?limit=x"}) {
    EXPECT_EQ(server.get(path)->headers.get("strict-transport-security"), "max-age=1; preload")
        << path;
  }
}

TEST(StrictTransport, IsNotSaidUnasked) {
  testing::TestServer server;
  EXPECT_EQ(server.get("/healthz")->headers.get("strict-transport-security"), "");
}

}  // namespace
}  // namespace pinnace::apiserver
