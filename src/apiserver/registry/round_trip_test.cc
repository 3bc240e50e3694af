// Every stored kind with a value in every field, through the server in both media.
//
// What a client may not write (a status, say) stands in the object too: it is read as a request's
// body is, stored, and asked for in every version and media.
#include <set>

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

  std::string encoded(const api::ResourceInfo& resource, const api::Value& object, Media media) {
    if (media == Media::kJson) return api::to_json_text(object);
    std::string bytes;
    api::encode_protobuf_object(bytes, object, *resource.type);
    return bytes;
  }

  api::Value decoded(const api::ResourceInfo& resource, const std::string& bytes, Media media) {
    auto value = decode_body(arena_, media, bytes, *resource.type, nullptr);
    EXPECT_TRUE(value) << value.error().message;
    return value ? *value : api::Value::object();
  }

  // The object as it comes back from the server to which it was given.
  api::Value passed(const api::ResourceInfo& resource, const api::Value& object, Media media) {
    const std::string_view type = media == Media::kJson ? "application/json" : kProtobuf;
    const auto stored = store(resource, encoded(resource, object, media), type);
    EXPECT_TRUE(stored) << stored.error().message;
    const auto answer = get(resource, type);
    EXPECT_EQ(answer->status, 200) << answer->body;
    return answer->status == 200 ? decoded(resource, answer->body, media) : object;
  }

  // The value in the schema's order, without its resourceVersion, which is the store's to give.
  std::string text_of(const api::ResourceInfo& resource, const api::Value& object) {
    api::Value copy = api::deep_copy(arena_, object);
    EXPECT_TRUE(api::normalise(arena_, copy, *resource.type));
    copy.ensure_object(arena_, "metadata").erase("resourceVersion");
    return api::to_json_text(copy);
  }

  api::Arena arena_{1 << 20};
  TestServer server_;
};

// Every resource that is kept in a store, in each version in which it is served.
std::vector<const api::ResourceInfo*> kept_resources() {
  std::vector<const api::ResourceInfo*> kept;
  for (const auto& resource : api::builtin_schema().resources) {
    if (resource.enabled && resource.has_verb("get") && !resource.storage_resource.empty()) {
      kept.push_back(&resource);
    }
  }
  return kept;
}

std::string label_of(const api::ResourceInfo& resource) {
  return group_version(resource.group, resource.version) + " " + std::string(resource.kind);
}

// What the versions of a kind have in other places, so that an object with everything in it says
// some of it twice: it comes back in the form that its stored version gives it, and stays so.
const std::set<std::string> kReshaped = {
    "apiextensions.k8s.io/v1beta1 CustomResourceDefinition",  // What all versions have in common.
    "autoscaling/v1 HorizontalPodAutoscaler",                 // Metrics, in annotations.
    "discovery.k8s.io/v1beta1 EndpointSlice",                 // Topology.
};

TEST_F(RoundTrip, EveryFieldOfEveryKindSurvivesInEveryMedia) {
  for (const Media media : {Media::kJson, Media::kProtobuf}) {
    SCOPED_TRACE(media == Media::kJson ? "in JSON" : "in protobuf");
    std::set<std::string> reshaped;
    for (const auto* resource : kept_resources()) {
      SCOPED_TRACE(label_of(*resource));
      // Fields without a number are not in protobuf: what it can say is what must come back.
      const api::Value sent =
          decoded(*resource, encoded(*resource, filled(*resource), media), media);
      const api::Value once = passed(*resource, sent, media);
      if (text_of(*resource, once) != text_of(*resource, sent)) {
        reshaped.insert(label_of(*resource));
      }
      EXPECT_EQ(text_of(*resource, passed(*resource, once, media)), text_of(*resource, once));
    }
    EXPECT_EQ(reshaped, kReshaped);
  }
}

// So that nothing is left out by chance: whoever can be made and read is among them, and speaks
// protobuf.
TEST_F(RoundTrip, LooksAtEveryKindThatCanBeMadeAndRead) {
  std::set<const api::ResourceInfo*> looked_at;
  for (const auto* resource : kept_resources()) {
    looked_at.insert(resource);
    EXPECT_TRUE(api::has_protobuf(*resource->type)) << label_of(*resource);
  }
  for (const auto& resource : api::builtin_schema().resources) {
    if (!resource.enabled || !resource.has_verb("create") || !resource.has_verb("get")) continue;
    EXPECT_TRUE(looked_at.contains(&resource)) << label_of(resource);
  }
}

}  // namespace
}  // namespace pinnace::apiserver
