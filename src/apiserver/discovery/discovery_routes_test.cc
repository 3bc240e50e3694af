#include "apiserver/discovery/discovery_routes.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "api/protobuf.h"
#include "apiserver/handler_testing.h"
#include "apiserver/http/document_answer.h"

namespace pinnace::apiserver {
namespace {

constexpr std::string_view kAggregated =
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";

class DiscoveryRoutesTest : public testing::HandlerTest {
 protected:
  using Handle = void (*)(Backend&, const CallRef&);
  void get(Handle handle, std::string path, std::string_view accept = "",
           std::string_view query = "", std::string_view if_none_match = "") {
    CallRef made = call(std::move(path), accept, query);
    if (!if_none_match.empty()) made->request.headers.add("if-none-match", if_none_match);
    handle(*backend_, made);
  }
  api::Value body() { return api::parse_json(arena_, answer().body).value(); }
  api::Arena arena_;
};

TEST_F(DiscoveryRoutesTest, GivesPlainDocuments) {
  get(discover_core, "/api", "application/json, */*");
  EXPECT_EQ(answer().status, 200);
  EXPECT_EQ(answer().headers.get("content-type"), "application/json");
  EXPECT_EQ(body().string_at("kind"), "APIVersions");
  get(discover_groups, "/apis");
  EXPECT_EQ(body().string_at("kind"), "APIGroupList");
  get(discover_version, "/apis/apps");
  EXPECT_EQ(body().string_at("kind"), "APIGroup");
  get(discover_version, "/apis/apps/v1");
  EXPECT_EQ(body().string_at("groupVersion"), "apps/v1");
  get(discover_version, "/api/v1");
  EXPECT_EQ(body().string_at("groupVersion"), "v1");
}

TEST_F(DiscoveryRoutesTest, GivesAggregatedDocumentsWithAnEtag) {
  get(discover_groups, "/apis", kAggregated);
  EXPECT_EQ(answer().headers.get("content-type"),
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
  EXPECT_EQ(body().string_at("apiVersion"), "apidiscovery.k8s.io/v2");
  const std::string etag(answer().headers.get("etag"));
  ASSERT_GT(etag.size(), 2U);
  get(discover_groups, "/apis", kAggregated, "", "\"other\", " + etag);
  EXPECT_EQ(answer().status, 304);
  EXPECT_EQ(answer().body, "");
  get(discover_groups, "/apis", kAggregated, "", "\"other\"");
  EXPECT_EQ(answer().status, 200);
  const std::string binary = "application/vnd.kubernetes.protobuf;g=apidiscovery.k8s.io;v=v2;"
                             "as=APIGroupDiscoveryList";
  get(discover_core, "/api", binary);
  EXPECT_EQ(answer().headers.get("content-type"), binary);
  EXPECT_EQ(answer().headers.get("cache-control"), "public");
  EXPECT_EQ(api::read_protobuf_envelope(answer().body)->kind, "APIGroupDiscoveryList");
}

TEST_F(DiscoveryRoutesTest, GivesProtobufToThoseWhoWantIt) {
  get(discover_version, "/apis/apps/v1", "application/vnd.kubernetes.protobuf");
  EXPECT_EQ(answer().headers.get("content-type"), "application/vnd.kubernetes.protobuf");
  const auto envelope = api::read_protobuf_envelope(answer().body);
  ASSERT_TRUE(envelope);
  EXPECT_EQ(envelope->kind, "APIResourceList");
  // The verbs are a message of their own.
  EXPECT_NE(answer().body.find("\n\6create\n\6delete\n"), std::string::npos);
  get(discover_core, "/api", "application/vnd.kubernetes.protobuf, application/json");
  EXPECT_EQ(api::read_protobuf_envelope(answer().body)->kind, "APIVersions");
}

TEST_F(DiscoveryRoutesTest, RefusesWhatItDoesNotHave) {
  for (const char* path : {"/apis/nope", "/apis/nope/v1"}) {
    get(discover_version, path);
    EXPECT_EQ(answer().status, 404) << path;
    EXPECT_EQ(answer().body, "404 page not found\n");
  }
  for (const char* path : {"/apis/apps/v9", "/api/v2"}) {
    get(discover_version, path);
    EXPECT_EQ(answer().status, 404) << path;
    EXPECT_EQ(body().string_at("message"), "the server could not find the requested resource");
  }
  get(discover_groups, "/apis", "text/html");
  EXPECT_EQ(answer().status, 406);
}

TEST_F(DiscoveryRoutesTest, EveryVersionIsFoundWhereItsGroupSays) {
  for (const std::string_view group : backend_->catalog.current()->groups()) {
    for (const std::string_view version : backend_->catalog.current()->versions(group)) {
      const std::string path = group.empty()
                                   ? "/api/" + std::string(version)
                                   : "/apis/" + std::string(group) + "/" + std::string(version);
      get(discover_version, path);
      EXPECT_EQ(answer().status, 200) << path;
    }
  }
}

TEST_F(DiscoveryRoutesTest, RootNamesThePathsThatThereAre) {
  get(root_paths, "/");
  for (const char* path : {"\"/api\"", "\"/apis/apps/v1\"", "\"/openapi/v2\"", "\"/livez\""}) {
    EXPECT_NE(answer().body.find(path), std::string::npos) << path;
  }
  EXPECT_EQ(answer().body.find('*'), std::string::npos);
}

TEST_F(DiscoveryRoutesTest, OpenApiV3IndexLeadsToEveryDocument) {
  get(openapi_v3_index, "/openapi/v3", "application/json, */*");
  ASSERT_EQ(answer().status, 200);
  const api::Value index = body();
  std::size_t versions = 0;
  for (const std::string_view group : backend_->catalog.current()->groups()) {
    versions += backend_->catalog.current()->versions(group).size();
  }
  const api::Value& paths = *index.find("paths");
  // And one of each group with a name, of "/api", "/apis" and the issuer's two.
  const std::size_t named = backend_->catalog.current()->groups().size() - 1;
  EXPECT_EQ(paths.size(), versions + named + 4);
  for (const auto& [path, entry] : paths.members()) {
    const std::string url(entry.string_at("serverRelativeURL"));
    const auto question = url.find("?hash=");
    ASSERT_NE(question, std::string::npos) << url;
    EXPECT_EQ(url.substr(0, question), "/openapi/v3/" + std::string(path));
    get(openapi_v3_group, url.substr(0, question), "application/json", url.substr(question + 1));
    EXPECT_EQ(answer().status, 200) << url;
    EXPECT_NE(answer().headers.get("cache-control").find("immutable"), std::string_view::npos);
    EXPECT_EQ(answer().headers.get("etag"), "\"" + url.substr(question + 6) + "\"");
  }
}

TEST_F(DiscoveryRoutesTest, OpenApiV3SendsOldHashesToTheNewOne) {
  get(openapi_v3_group, "/openapi/v3/apis/apps/v1", "", "hash=0");
  EXPECT_EQ(answer().status, 301);
  EXPECT_TRUE(answer().headers.get("location").starts_with("/openapi/v3/apis/apps/v1?hash="));
  for (const char* path : {"/openapi/v3/apis/nope/v1", "/openapi/v3/api/v2", "/openapi/v3/apis/nope"}) {
    get(openapi_v3_group, path);
    EXPECT_EQ(answer().status, 404) << path;
  }
  get(openapi_v3_group, "/openapi/v3/apis/apps/v1", "text/html");
  EXPECT_EQ(answer().status, 406);
}

TEST_F(DiscoveryRoutesTest, OpenApiV2ComesInTwoForms) {
  get(openapi_v2, "/openapi/v2");
  EXPECT_EQ(answer().headers.get("content-type"), "application/json");
  EXPECT_EQ(body().string_at("swagger"), "2.0");
  const std::string etag(answer().headers.get("etag"));
  get(openapi_v2, "/openapi/v2", "", "", etag);
  EXPECT_EQ(answer().status, 304);
  get(openapi_v2, "/openapi/v2", "application/com.github.proto-openapi.spec.v2@v1.0+protobuf");
  EXPECT_EQ(answer().headers.get("content-type"),
            "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
  EXPECT_EQ(answer().headers.get("content-encoding"), "");
  get(openapi_v2, "/openapi/v2", "application/x-gzip");
  EXPECT_EQ(answer().status, 406);
}

TEST(PreferredType, FollowsTheClientsOrder) {
  constexpr std::string_view kOffered[] = {"application/json", "application/x"};
  EXPECT_EQ(preferred_type("", kOffered), 0);
  EXPECT_EQ(preferred_type("application/x;q=1, application/json", kOffered), 1);
  EXPECT_EQ(preferred_type("text/html, */*", kOffered), 0);
  EXPECT_EQ(preferred_type("application/*", kOffered), 0);
  EXPECT_EQ(preferred_type("text/html", kOffered), -1);
}

TEST(DocumentCache, KeepsADocumentForAsLongAsItIsAskedFor) {
  io::SimExecutor executor;
  DocumentCache cache(executor, executor);
  int made = 0;
  const auto make = [&] {
    ++made;
    return std::string("text");
  };
  const Document first = cache.get("a", make);
  executor.advance(std::chrono::seconds(50));
  EXPECT_EQ(cache.get("a", make).text, first.text);
  executor.advance(std::chrono::seconds(50));
  EXPECT_EQ(cache.get("a", make).text, first.text);
  EXPECT_EQ(made, 1);
  executor.advance(std::chrono::seconds(200));
  EXPECT_EQ(first.text.use_count(), 1) << "the cache still holds it";
  EXPECT_EQ(executor.pending_timers(), 0U);
  EXPECT_EQ(cache.etag("a", make), first.etag);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(cache.get("a", make).etag, first.etag);
  EXPECT_EQ(made, 2);
}

TEST(DocumentCache, MayDieBeforeItsTimers) {
  io::SimExecutor executor;
  {
    DocumentCache cache(executor, executor);
    cache.get("a", [] { return std::string("text"); });
  }
  executor.advance(std::chrono::minutes(5));
  EXPECT_EQ(executor.pending_timers(), 0U);
}

}  // namespace
}  // namespace pinnace::apiserver
