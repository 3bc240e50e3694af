// What other servers say of themselves, and how it becomes a part of our OpenAPI document.
#include "apiserver/openapi/openapi_merge.h"

#include <gtest/gtest.h>

#include "api/json.h"
#include "apiserver/openapi/openapi_v2.h"
#include "io/sim_executor.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

constexpr std::string_view kPath = "/apis/g.io/v1/things";

// A document with one path, whose answer is a Thing.
std::string document(const std::string& definitions, std::string_view path = kPath) {
  return R"({"swagger":"2.0","paths":{")" + std::string(path) +
         R"(":{"get":{"operationId":"listThings","parameters":[{"$ref":"#/parameters/p"},)"
         R"({"$ref":"#/parameters/lost"}],"responses":{"200":{"description":"OK","schema":)"
         R"({"$ref":"#/definitions/Thing"}}}}},"/healthz":{"get":{}}},"parameters":{"p":)"
         R"({"name":"limit","in":"query","type":"integer","uniqueItems":true}},"definitions":{)" +
         definitions + "}}";
}

RemoteOpenApiRef remote(const std::string& definitions, std::string_view version = "v1") {
  return RemoteOpenApi::parse(
      "g.io", version, document(definitions, "/apis/g.io/" + std::string(version) + "/x"), "");
}

// Refers to `remotes`.
MergedOpenApi merged(const RemoteOpenApis& remotes, std::string own_thing = "") {
  static api::Arena arena;
  return MergedOpenApi(remotes, {}, [own_thing](const std::string& name) -> std::optional<Value> {
    if (name != "Thing" || own_thing.empty()) return std::nullopt;
    return api::parse_json(arena, own_thing).value();
  });
}

std::vector<std::string> names_of(const MergedOpenApi& all) {
  std::vector<std::string> names;
  for (const auto& [name, schema] : all.definitions()) names.push_back(name);
  return names;
}

using Names = std::vector<std::string>;

TEST(RemoteOpenApi, KeepsWhatBelongsToItsVersion) {
  const auto found = RemoteOpenApi::parse(
      "g.io", "v1",
      document(R"("Thing":{"properties":{"a":{"$ref":"#/definitions/Part"},"b":{"$ref":)"
               R"("#/definitions/Lost"}}},"Part":{"type":"object"},"Other":{"type":"object"})"),
      R"({"paths":{"apis/g.io/v1":{"serverRelativeURL":"/openapi/v3/apis/g.io/v1?hash=AB"}}})");
  EXPECT_EQ(api::to_json_text(found->definitions()),
            R"({"Thing":{"properties":{"a":{"$ref":"#/definitions/Part"},"b":{}}},)"
            R"("Part":{"type":"object"}})");
  EXPECT_EQ(api::to_json_text(found->paths()),
            R"({"/apis/g.io/v1/things":{"get":{"operationId":"listThings","parameters":[{"name":)"
            R"("limit","in":"query","type":"integer","uniqueItems":true}],"responses":{"200":)"
            R"({"description":"OK","schema":{"$ref":"#/definitions/Thing"}}}}}})");
  EXPECT_EQ(found->v3_url(), "/openapi/v3/apis/g.io/v1?hash=AB");
}

TEST(RemoteOpenApi, LeavesOutWhatCannotBeUnderstood) {
  for (const char* text : {"", "nonsense", "[]", R"({"paths":[]})", R"({"paths":{"/apis":1}})"}) {
    const auto found = RemoteOpenApi::parse("g.io", "v1", text, text);
    EXPECT_TRUE(found->paths().empty()) << text;
    EXPECT_EQ(found->v3_url(), "");
  }
  const auto found = RemoteOpenApi::parse(
      "g.io", "v1",
      document(R"("Thing":{"type":["a"],"required":"all","properties":[],"items":5,"enum":{}})"),
      R"({"paths":{"apis/g.io/v1":{"serverRelativeURL":"https://elsewhere/"}}})");
  EXPECT_EQ(api::to_json_text(found->definitions()),
            R"({"Thing":{"required":[],"properties":{}}})");
  EXPECT_EQ(found->v3_url(), "");
}

TEST(MergedOpenApi, SharesWhatIsTheSame) {
  const RemoteOpenApis remotes{remote(R"("Thing":{"type":"object"})"),
                               remote(R"("Thing":{"type":"object"})", "v2")};
  const auto all = merged(remotes);
  EXPECT_EQ(names_of(all), Names{"Thing"});
  EXPECT_EQ(all.paths().size(), 2U);
  EXPECT_EQ(names_of(merged({remote(R"("Thing":{"type":"object"})")},
                            R"({"type":"object","x-kubernetes-group-version-kind":[]})")),
            Names{});
}

TEST(MergedOpenApi, GivesNamesakesNamesOfTheirOwn) {
  const RemoteOpenApis remotes{remote(R"("Thing":{"type":"object"})"),
                               remote(R"("Thing":{"type":"string"},"Thing_v3":{})", "v2")};
  const auto all = merged(remotes, R"({"type":"integer"})");
  EXPECT_EQ(names_of(all), (Names{"Thing_v2", "Thing_v3"}));
  const auto reference = [&](const char* path) {
    return std::string(
        all.paths().at(path).find_path({"get", "responses", "200", "schema"})->string_at("$ref"));
  };
  EXPECT_EQ(reference("/apis/g.io/v1/x"), "#/definitions/Thing_v2");
  EXPECT_EQ(reference("/apis/g.io/v2/x"), "#/definitions/Thing_v3");
}

TEST(MergedOpenApi, StandsInBothFormsOfTheDocument) {
  io::SimExecutor executor;
  const Catalog catalog(executor, executor, {});
  const RemoteOpenApis remotes{
      remote(R"("Thing":{"type":"object","properties":{"meta":{"$ref":)"
             R"("#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"}}},)"
             R"("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta":{"description":"Theirs."})")};
  const std::string json = openapi_v2_json(catalog, remotes);
  api::Arena arena;
  const auto parsed = api::parse_json(arena, json);
  ASSERT_TRUE(parsed);
  EXPECT_NE(parsed->find_path({"paths", "/apis/g.io/v1/x", "get"}), nullptr);
  EXPECT_EQ(parsed->find_path({"definitions", "Thing", "properties", "meta"})->string_at("$ref"),
            "#/definitions/io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta_v2");
  const std::string bytes = openapi_v2_protobuf(catalog, remotes);
  EXPECT_NE(bytes.find("/apis/g.io/v1/x"), std::string::npos);
  EXPECT_NE(bytes.find("meta.v1.ObjectMeta_v2"), std::string::npos);
  EXPECT_GT(bytes.size(), openapi_v2_protobuf(catalog).size());
}

}  // namespace
}  // namespace pinnace::apiserver
