// What a client gets in each media, shape and version, through a whole server.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "api/json.h"
#include "api/protobuf.h"
#include "apiserver/registry/derived.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/server.h"
#include "base/assert.h"
#include "io/sim_executor.h"
#include "store/embedded.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

constexpr std::string_view kProtobuf = "application/vnd.kubernetes.protobuf";
constexpr std::size_t kBuffer = 4096;

// Keeps the answer; a stream's body is read by `pull`.
struct Answer final : net::Exchange {
  int status = 0;
  net::Headers headers;
  std::string body;
  std::shared_ptr<const std::string> shared;
  std::unique_ptr<net::Body> stream_body;
  net::Body::State state = net::Body::State::kMore;

  void respond(int code, net::Headers with, std::shared_ptr<const std::string> bytes) override {
    status = code;
    headers = std::move(with);
    shared = std::move(bytes);
    body = *shared;
  }
  void stream(int code, net::Headers with, std::unique_ptr<net::Body> from) override {
    status = code;
    headers = std::move(with);
    stream_body = std::move(from);
  }
  void wake() override {}
  std::unique_ptr<net::Stream> upgrade(net::Headers) override { return nullptr; }
  void on_cancel(std::function<void()>) override {}
  void post(std::function<void()> work) override { work(); }
  io::Loop& loop() override {
    PINNACE_ASSERT(false);
    std::abort();
  }

  // Reads what there is now, in small pieces.
  std::string& pull() {
    char buffer[kBuffer];
    while (stream_body != nullptr) {
      const auto read = stream_body->read(buffer);
      body.append(buffer, read.bytes);
      state = read.state;
      if (state != net::Body::State::kMore) break;
    }
    return body;
  }
};

class Representations : public testing::Test {
 protected:
  void SetUp() override {
    Options options{.store = *store_,
                    .executor = executor_,
                    .clock = executor_,
                    .rng = *rng_,
                    .metrics = metrics_};
    options.configuration.tokens["secret"] = {"admin", "", {"system:masters"}};
    options.bootstrap = false;
    server_ = Server::create(std::move(options)).value();
  }

  // A body holds on to its exchange until the exchange is over.
  void TearDown() override {
    for (const auto& answer : answers_) answer->stream_body.reset();
  }

  std::shared_ptr<Answer> ask(std::string method, std::string_view target, std::string_view accept,
                              std::string body = "", std::string_view content_type = "") {
    net::Request request;
    request.method = std::move(method);
    request.target = target;
    request.path = target.substr(0, target.find('?'));
    const auto mark = target.find('?');
    if (mark != std::string_view::npos) request.query = target.substr(mark + 1);
    request.headers.add("authorization", "Bearer secret");
    if (!accept.empty()) request.headers.add("accept", accept);
    if (!content_type.empty()) request.headers.add("content-type", content_type);
    request.body = std::move(body);
    auto answer = std::make_shared<Answer>();
    answers_.push_back(answer);
    server_->handle(std::move(request), answer);
    answer->pull();
    return answer;
  }
  std::shared_ptr<Answer> get(std::string_view target, std::string_view accept = "") {
    return ask("GET", target, accept);
  }

  // Writes past the server, as it would have written.
  store::ObjectRef put(std::string resource, std::string ns, std::string name,
                       std::string_view json) {
    api::Arena arena;
    const Value object = api::parse_json(arena, json).value();
    SplitJson parts = split_json(object);
    store::Write write;
    write.type = store::Write::Type::kCreate;
    if (store_->get({resource, ns, name})) write.type = store::Write::Type::kUpdate;
    write.key = {std::move(resource), std::move(ns), std::move(name)};
    write.uid = "u";
    write.head = std::move(parts.head);
    write.tail = std::move(parts.tail);
    if (write.type == store::Write::Type::kUpdate) {
      write.expected_revision = (*store_->get(write.key))->revision;
    }
    return store_->commit_and_wait(std::move(write)).value();
  }
  store::ObjectRef put_map(const std::string& name, const std::string& label = "a") {
    return put("configmaps", "default", name,
               R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":")" + name +
                   R"(","namespace":"default","labels":{"l":")" + label +
                   R"("}},"data":{"k":"v"}})");
  }

  Value parse(std::string_view json) { return api::parse_json(arena_, json).value(); }
  // An enveloped object as JSON has it.
  Value decode(std::string_view bytes, std::string_view group, std::string_view version,
               std::string_view type_name) {
    const auto& type = *api::builtin_schema().find_type(group, version, type_name);
    auto object = api::decode_protobuf_object(arena_, bytes, type);
    EXPECT_TRUE(object.has_value()) << object.error().message;
    return object.value_or(Value::null());
  }

  io::SimExecutor executor_;
  std::unique_ptr<Rng> rng_ = seeded_rng(1);
  metrics::Registry metrics_;
  std::unique_ptr<store::EmbeddedStore> store_ =
      store::EmbeddedStore::create_in_memory({.inline_writer = true});
  std::vector<std::shared_ptr<Answer>> answers_;
  std::unique_ptr<Server> server_;
  api::Arena arena_;
};

TEST_F(Representations, GetSendsTheStoredBytes) {
  const auto object = put_map("a");
  const auto answer = get("/api/v1/namespaces/default/configmaps/a");
  EXPECT_EQ(answer->status, 200);
  EXPECT_EQ(answer->shared.get(), object->json.whole());
}

TEST_F(Representations, GetInProtobufIsMadeOnce) {
  const auto object = put_map("a");
  const auto answer = get("/api/v1/namespaces/default/configmaps/a", kProtobuf);
  EXPECT_EQ(answer->headers.get("content-type"), kProtobuf);
  const Value decoded = decode(answer->body, "", "v1", "ConfigMap");
  EXPECT_EQ(decoded.string_at("kind"), "ConfigMap");
  EXPECT_EQ(decoded.find("metadata")->string_at("name"), "a");
  EXPECT_EQ(decoded.find("metadata")->string_at("resourceVersion"),
            std::to_string(object->revision));
  const auto& resource = *api::builtin_schema().find_resource("", "v1", "configmaps");
  const Output output{.media = Media::kProtobuf};
  const auto first = encode_entry(object, resource, resource, output).value();
  EXPECT_EQ(encode_entry(object, resource, resource, output).value().get(), first.get());
}

TEST_F(Representations, GetGivesTheVersionThatIsAsked) {
  put("networking.k8s.io/ingresses", "default", "i",
      R"({"kind":"Ingress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"i"},)"
      R"("spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}},)"
      R"("status":{"loadBalancer":{}}})");
  const auto answer = get("/apis/extensions/v1beta1/namespaces/default/ingresses/i");
  EXPECT_TRUE(answer->body.starts_with(R"({"kind":"Ingress","apiVersion":"extensions/v1beta1",)"));
  EXPECT_NE(answer->body.find(R"("backend":{"serviceName":"s","servicePort":80})"),
            std::string::npos)
      << answer->body;
  const auto binary =
      get("/apis/networking.k8s.io/v1beta1/namespaces/default/ingresses/i", kProtobuf);
  const Value decoded = decode(binary->body, "networking.k8s.io", "v1beta1", "Ingress");
  EXPECT_EQ(decoded.find_path({"spec", "backend"})->string_at("serviceName"), "s");
  // Items of a list have the version of the list, which alone tells it.
  const Value list = parse(get("/apis/extensions/v1beta1/ingresses")->body);
  EXPECT_EQ(list.string_at("apiVersion"), "extensions/v1beta1");
  const Value& item = list.find("items")->items()[0];
  EXPECT_EQ(item.find("apiVersion"), nullptr);
  EXPECT_EQ(item.find("kind"), nullptr);
  EXPECT_EQ(item.find_path({"spec", "backend"})->string_at("serviceName"), "s");
}

TEST_F(Representations, GetGivesPartialMetadata) {
  put_map("a");
  const Value json = parse(get("/api/v1/namespaces/default/configmaps/a",
                               "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1")
                               ->body);
  EXPECT_EQ(json.string_at("kind"), "PartialObjectMetadata");
  EXPECT_EQ(json.string_at("apiVersion"), "meta.k8s.io/v1");
  EXPECT_EQ(json.find("metadata")->string_at("name"), "a");
  EXPECT_EQ(json.find("data"), nullptr);
  const Value binary = decode(
      get("/api/v1/namespaces/default/configmaps/a",
          "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1beta1")
          ->body,
      "meta.k8s.io", "v1", "PartialObjectMetadata");
  EXPECT_EQ(binary.string_at("apiVersion"), "meta.k8s.io/v1beta1");
  EXPECT_EQ(binary.find("metadata")->string_at("name"), "a");
}

TEST_F(Representations, YamlAndPrettyJson) {
  put_map("a");
  EXPECT_EQ(get("/api/v1/namespaces/default/configmaps/a", "application/yaml")->body.substr(0, 16),
            "apiVersion: v1\nd");
  EXPECT_EQ(get("/api/v1/namespaces/default/configmaps/a?pretty=true")->body.substr(0, 24),
            "{\n  \"kind\": \"ConfigMap\",");
  EXPECT_EQ(get("/api/v1/configmaps", "application/yaml")->body.substr(0, 20),
            "apiVersion: v1\nitems");
}

TEST_F(Representations, ListsStreamInBothMedia) {
  for (int i = 0; i < 200; ++i) put_map("m" + std::to_string(i), i % 2 == 0 ? "even" : "odd");
  const auto json = get("/api/v1/configmaps?labelSelector=l%3Deven");
  ASSERT_NE(json->stream_body, nullptr);
  EXPECT_EQ(json->state, net::Body::State::kEnd);
  const Value list = parse(json->body);
  EXPECT_EQ(list.string_at("kind"), "ConfigMapList");
  ASSERT_EQ(list.find("items")->size(), 100U);

  const auto binary = get("/api/v1/configmaps?labelSelector=l%3Deven", kProtobuf);
  EXPECT_EQ(binary->headers.get("content-type"), kProtobuf);
  const Value decoded = decode(binary->body, "", "v1", "ConfigMapList");
  EXPECT_EQ(decoded.string_at("apiVersion"), "v1");
  EXPECT_EQ(decoded.find("metadata")->string_at("resourceVersion"),
            list.find("metadata")->string_at("resourceVersion"));
  ASSERT_EQ(decoded.find("items")->size(), 100U);
  for (std::size_t i = 0; i < 100; ++i) {
    const Value& item = decoded.find("items")->items()[i];
    EXPECT_EQ(item.find("metadata")->string_at("name"),
              list.find("items")->items()[i].find("metadata")->string_at("name"));
    EXPECT_EQ(item.find("data")->string_at("k"), "v");
  }
}

TEST_F(Representations, ListsPartialMetadata) {
  put_map("a");
  put_map("b");
  for (const std::string_view media : {std::string_view("application/json"), kProtobuf}) {
    const auto answer =
        get("/api/v1/configmaps",
            std::string(media) + ";as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    const Value list = media == kProtobuf
                           ? decode(answer->body, "meta.k8s.io", "v1", "PartialObjectMetadataList")
                           : parse(answer->body);
    EXPECT_EQ(list.string_at("kind"), "PartialObjectMetadataList");
    ASSERT_EQ(list.find("items")->size(), 2U);
    EXPECT_EQ(list.find("items")->items()[1].find("metadata")->string_at("name"), "b");
  }
}

TEST_F(Representations, ListsAnEmptyResource) {
  EXPECT_EQ(parse(get("/api/v1/pods")->body).find("items")->size(), 0U);
  const Value list = decode(get("/api/v1/pods", kProtobuf)->body, "", "v1", "PodList");
  EXPECT_EQ(list.string_at("kind"), "PodList");
  EXPECT_EQ(list.find("items"), nullptr);
}

TEST_F(Representations, SelectsByFieldsOfTheBody) {
  for (const std::string name : {"a", "b"}) {
    put("pods", "default", name,
        R"({"kind":"Pod","apiVersion":"v1","metadata":{"name":")" + name +
            R"(","namespace":"default"},"spec":{"nodeName":"node-)" + name + R"("},"status":{}})");
  }
  const auto names = [&](std::string_view selector) {
    std::string text;
    const Value list = parse(get("/api/v1/pods?fieldSelector=" + std::string(selector))->body);
    for (const Value& item : list.find("items")->items()) {
      text += item.find("metadata")->string_at("name");
    }
    return text;
  };
  EXPECT_EQ(names("spec.nodeName%3Dnode-b"), "b");
  EXPECT_EQ(names("spec.nodeName!%3Dnode-b"), "a");
  EXPECT_EQ(names("status.phase%3D"), "ab");
  EXPECT_EQ(names("metadata.name%3Da,spec.nodeName%3Dnode-a"), "a");
}

TEST_F(Representations, ListOptionsAreChecked) {
  put_map("a");
  EXPECT_EQ(get("/api/v1/configmaps?resourceVersionMatch=Exact")->status, 422);
  EXPECT_EQ(get("/api/v1/configmaps?resourceVersion=1&resourceVersionMatch=Never")->status, 422);
  EXPECT_EQ(get("/api/v1/configmaps?resourceVersion=0&resourceVersionMatch=Exact")->status, 422);
  EXPECT_EQ(get("/api/v1/configmaps?sendInitialEvents=true")->status, 422);
  EXPECT_EQ(get("/api/v1/configmaps?resourceVersion=x")->status, 400);
  EXPECT_EQ(get("/api/v1/configmaps?resourceVersion=999")->status, 504);
}

TEST_F(Representations, ErrorsComeInTheAcceptedMedia) {
  const auto answer = get("/api/v1/namespaces/default/configmaps/none", kProtobuf);
  EXPECT_EQ(answer->status, 404);
  EXPECT_EQ(answer->headers.get("content-type"), kProtobuf);
  const Value status = decode(answer->body, "", "v1", "Status");
  EXPECT_EQ(status.string_at("apiVersion"), "v1");
  EXPECT_EQ(status.string_at("reason"), "NotFound");
  EXPECT_EQ(status.string_at("message"), "configmaps \"none\" not found");
  EXPECT_EQ(status.int_at("code"), 404);
  EXPECT_EQ(get("/api/v1/namespaces/default/configmaps/none")->headers.get("content-type"),
            "application/json");
}

// The events in a watch's protobuf stream.
std::vector<Value> events_of(api::Arena& arena, std::string_view stream) {
  const auto& type = *api::builtin_schema().find_type("meta.k8s.io", "v1", "WatchEvent");
  std::vector<Value> events;
  while (stream.size() >= 4) {
    std::size_t size = 0;
    for (int i = 0; i < 4; ++i) {
      size = size << 8 | static_cast<unsigned char>(stream[static_cast<std::size_t>(i)]);
    }
    stream.remove_prefix(4);
    if (size > stream.size()) break;
    events.push_back(api::decode_protobuf(arena, stream.substr(0, size), type).value());
    stream.remove_prefix(size);
  }
  EXPECT_TRUE(stream.empty());
  return events;
}

TEST_F(Representations, WatchesInProtobuf) {
  put_map("a");
  const auto watch =
      get("/api/v1/configmaps?watch=true&sendInitialEvents=true&allowWatchBookmarks=true"
          "&resourceVersionMatch=NotOlderThan",
          kProtobuf);
  EXPECT_EQ(watch->headers.get("content-type"), "application/vnd.kubernetes.protobuf;stream=watch");
  put_map("b");
  const auto events = events_of(arena_, watch->pull());
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events[0].string_at("type"), "ADDED");
  EXPECT_EQ(events[0].find("object")->string_at("kind"), "ConfigMap");
  EXPECT_EQ(events[1].string_at("type"), "BOOKMARK");
  EXPECT_EQ(events[1]
                .find_path({"object", "metadata", "annotations"})
                ->string_at("k8s.io/initial-events-end"),
            "true");
  EXPECT_EQ(events[2].find_path({"object", "metadata"})->string_at("name"), "b");
}

TEST_F(Representations, WatchesShowWhatLeavesASelection) {
  put_map("a", "x");
  const auto watch = get("/api/v1/configmaps?watch=true&labelSelector=l%3Dx");
  const auto changed = put_map("a", "y");
  put_map("a", "z");
  const std::string& text = watch->pull();
  const auto line = text.find('\n');
  ASSERT_NE(line, std::string::npos);
  EXPECT_EQ(parse(text.substr(0, line)).string_at("type"), "ADDED");
  // Only once, as it was last in it.
  const Value gone = parse(text.substr(line + 1));
  EXPECT_EQ(gone.string_at("type"), "DELETED");
  EXPECT_EQ(gone.find_path({"object", "metadata", "labels"})->string_at("l"), "x");
  EXPECT_EQ(gone.find_path({"object", "metadata"})->string_at("resourceVersion"),
            std::to_string(changed->revision));
}

TEST_F(Representations, WatchesInAnotherVersion) {
  put("networking.k8s.io/ingresses", "default", "i",
      R"({"kind":"Ingress","apiVersion":"networking.k8s.io/v1","metadata":{"name":"i"},)"
      R"("spec":{"defaultBackend":{"service":{"name":"s","port":{"number":80}}}},"status":{}})");
  const Value event = parse(get("/apis/networking.k8s.io/v1beta1/ingresses?watch=true")->body);
  EXPECT_EQ(event.find("object")->string_at("apiVersion"), "networking.k8s.io/v1beta1");
  EXPECT_NE(event.find_path({"object", "spec", "backend"}), nullptr);
}

TEST_F(Representations, WritesTakeProtobuf) {
  put("namespaces", "", "default",
      R"({"kind":"Namespace","apiVersion":"v1","metadata":{"name":"default"},)"
      R"("spec":{"finalizers":["kubernetes"]},"status":{"phase":"Active"}})");
  const auto& type = *api::builtin_schema().find_type("", "v1", "ConfigMap");
  std::string body;
  api::encode_protobuf_object(
      body,
      parse(R"({"kind":"ConfigMap","apiVersion":"v1","metadata":{"name":"p"},"data":{"k":"v"}})"),
      type);
  const auto created =
      ask("POST", "/api/v1/namespaces/default/configmaps", kProtobuf, body, kProtobuf);
  ASSERT_EQ(created->status, 201) << created->body;
  const Value object = decode(created->body, "", "v1", "ConfigMap");
  EXPECT_EQ(object.find("data")->string_at("k"), "v");
  EXPECT_EQ(object.find("metadata")->string_at("namespace"), "default");

  std::string options;
  api::encode_protobuf_object(
      options, parse(R"({"kind":"DeleteOptions","apiVersion":"v1","preconditions":{"uid":"x"}})"),
      *api::builtin_schema().find_type("", "v1", "DeleteOptions"));
  EXPECT_EQ(
      ask("DELETE", "/api/v1/namespaces/default/configmaps/p", "", options, kProtobuf)->status,
      409);
  EXPECT_EQ(ask("POST", "/api/v1/namespaces/default/configmaps", "", "k8s", kProtobuf)->status,
            400);
}

TEST(DerivedForms, AreBoundedInNumber) {
  auto object = std::make_shared<store::Object>();
  const api::ResourceInfo* version = api::builtin_schema().resources.data();
  const auto make = []() -> Result<std::string> { return std::string("form"); };
  for (int i = 0; i < kMaxForms; ++i) {
    const FormKey key{version[i], Media::kProtobuf, Shape::kObject};
    const auto first = derived_form(object, key, make).value();
    EXPECT_EQ(derived_form(object, key, make).value().get(), first.get());
  }
  const FormKey beyond{version[kMaxForms], Media::kProtobuf, Shape::kObject};
  const auto first = derived_form(object, beyond, make).value();
  EXPECT_EQ(*first, "form");
  EXPECT_NE(derived_form(object, beyond, make).value().get(), first.get());
}

}  // namespace
}  // namespace pinnace::apiserver
