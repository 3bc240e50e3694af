// Every stored kind with a value in every field, through the server in both media.
//
// What a client may not write (a status, say) stands in the object too: it is read as a request's
// body is, stored, and asked for in every version and media.
#include "api/defaults.h"
#include "api/object_codec.h"
#include "api/protobuf.h"
#include "api/test_support.h"
#include "apiserver/catalog/catalog.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/registry.h"
#include "apiserver/testing.h"

namespace pinnace::apiserver {
namespace {

using testing::AnswerRef;
using testing::TestServer;

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";

class RoundTrip : public ::testing::Test {
 protected:
  RoundTrip() : server_(false) {}

  // The object with every field set and what the server adds to it, named so that it can be asked
  // for.
  api::Value filled(const api::ResourceInfo& resource) {
    api::Value object = api::Filler(arena_).object(*resource.type);
    api::Value& meta = object.ensure_object(arena_, "metadata");
    meta.set_ref(arena_, "name", api::Value::string_ref("whole"));
    if (resource.namespaced)
      meta.set_ref(arena_, "namespace", api::Value::string_ref("default"));
    else
      meta.erase("namespace");
    object.set(arena_, "kind", api::Value::string(arena_, resource.kind));
    object.set(arena_, "apiVersion",
               api::Value::string(arena_, group_version(resource.group, resource.version)));
    object.erase("stringData");  // Of Secrets: it is for writing only.
    EXPECT_TRUE(api::normalise(arena_, object, *resource.type));
    api::apply_defaults(arena_, object, *resource.type);
    return object;
  }

  // Reads a body as the handlers of writes do, and stores what came of it.
  Result<void> store(const api::ResourceInfo& resource, std::string body,
                     std::string_view content_type) {
    Call call;
    call.exchange = std::make_shared<testing::Answer>();
    call.resource = &resource;
    call.storage = storage_of(resource);
    call.request.body = std::move(body);
    call.request.headers.set("content-type", content_type);
    call.query = Query::parse("fieldValidation=Strict").value();
    api::Arena arena;
    auto object = read_object(call, arena, resource);
    if (!object) return std::unexpected(std::move(object.error()));
    const store::Key key{std::string(resource.storage_resource),
                         resource.namespaced ? "default" : "", "whole"};
    SplitJson parts = split_json(*object);
    const auto old = server_.store().get(key);
    auto done = server_.store().commit_and_wait(
        {old ? store::Write::Type::kUpdate : store::Write::Type::kCreate, key, "uid",
         std::move(parts.head), std::move(parts.tail), old ? (*old)->revision : 0, true});
    if (!done) return std::unexpected(std::move(done.error()));
    return {};
  }

  AnswerRef get(const api::ResourceInfo& resource, std::string_view accept) {
    std::string path = resource.group.empty() ? "/api/v1"
                                              : "/apis/" + std::string(resource.group) + '/' +
                                                    std::string(resource.version);
    if (resource.namespaced) path += "/namespaces/default";
    auto request =
        testing::request_of({}, "GET", path + '/' + std::string(resource.name) + "/whole");
    request.headers.set("accept", accept);
    return server_.call(std::move(request));
  }

  // The value in the schema's order, without its resourceVersion, which is the store's to give.
  std::string text_of(const api::ResourceInfo& resource, const api::Value& object) {
    api::Value copy = api::deep_copy(arena_, object);
    EXPECT_TRUE(api::normalise(arena_, copy, *resource.type));
    copy.find("metadata")->erase("resourceVersion");
    return api::to_json_text(copy);
  }

  api::Arena arena_{1 << 20};
  TestServer server_;
};

TEST_F(RoundTrip, EveryFieldOfEveryKindSurvivesInJson) {
  int kinds = 0;
  for (const auto& resource : api::builtin_schema().resources) {
    if (!resource.enabled || storage_of(resource) != &resource) continue;
    SCOPED_TRACE(group_version(resource.group, resource.version) + " " +
                 std::string(resource.kind));
    const api::Value object = filled(resource);
    const auto stored = store(resource, api::to_json_text(object), "application/json");
    ASSERT_TRUE(stored) << stored.error().message;
    const auto answer = get(resource, "application/json");
    ASSERT_EQ(answer->status, 200) << answer->body;
    EXPECT_EQ(text_of(resource, answer->json()), text_of(resource, object));
    ++kinds;
  }
  EXPECT_GT(kinds, 60);
}

TEST_F(RoundTrip, EveryFieldOfEveryKindSurvivesInProtobuf) {
  for (const auto& resource : api::builtin_schema().resources) {
    if (!resource.enabled || storage_of(resource) != &resource) continue;
    SCOPED_TRACE(group_version(resource.group, resource.version) + " " +
                 std::string(resource.kind));
    const api::Value object = filled(resource);
    std::string bytes;
    api::encode_protobuf_object(bytes, object, *resource.type);
    const auto stored = store(resource, bytes, kProtobuf);
    ASSERT_TRUE(stored) << stored.error().message;
    const auto answer = get(resource, kProtobuf);
    ASSERT_EQ(answer->status, 200) << answer->body;
    auto back = decode_body(arena_, Media::kProtobuf, answer->body, *resource.type, nullptr);
    ASSERT_TRUE(back) << back.error().message;
    // Fields without a number are not in protobuf: what it can say is what must come back.
    auto said = decode_body(arena_, Media::kProtobuf, bytes, *resource.type, nullptr);
    ASSERT_TRUE(said);
    EXPECT_EQ(text_of(resource, *back), text_of(resource, *said));
  }
}

}  // namespace
}  // namespace pinnace::apiserver
