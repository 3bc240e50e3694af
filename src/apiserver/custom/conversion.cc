#include "apiserver/custom/conversion.h"

#include "api/json.h"
#include "api/json_scan.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/proxy/service_proxy.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/webhook/webhook_client.h"

namespace pinnace::apiserver {
namespace {

using api::Value;

std::string api_version_of(const store::Object& object) {
  static constexpr std::string_view kPath[] = {"apiVersion"};
  std::string room;
  const std::string_view text = api::find_in_json(object.json.read(room), kPath);
  return text.size() < 2 ? std::string() : std::string(text.substr(1, text.size() - 2));
}

std::string version_of(const api::ResourceInfo& resource) {
  return group_version(resource.group, resource.version);
}

// One object with another body, at the same revision.
store::ObjectRef restated(const store::Object& like, const Value& tree) {
  SplitJson parts = split_json(tree);
  auto made = std::make_shared<store::Object>();
  made->key = like.key;
  made->uid = like.uid;
  made->revision = like.revision;
  made->created_revision = like.created_revision;
  made->revision_offset = static_cast<std::uint32_t>(parts.head.size());
  made->json =
      parts.head + "\"resourceVersion\":\"" + std::to_string(like.revision) + "\"" + parts.tail;
  return made;
}

// Objects on their way to one version.
struct Conversion : std::enable_shared_from_this<Conversion> {
  BackendRef backend;
  CallRef call;
  std::string wanted;  // apiVersion
  std::vector<store::ObjectRef> objects;
  std::vector<std::size_t> open;  // Those that are not in it yet.
  std::size_t at = 0;             // In `open`: where the question under way begins.
  std::string uid;
  ObjectsDone done;

  const ConversionWebhook& webhook() const { return *call->resource->custom->kind->webhook(); }

  Error failure(const std::string& from, const std::string& why) const {
    return errors::internal("conversion webhook for " + from +
                            ", Kind=" + std::string(call->resource->kind) + " failed: " + why)
        .error();
  }

  void finish(Result<std::vector<store::ObjectRef>> result) {
    if (call->exchange == nullptr) return done(std::move(result));
    call->exchange->post(
        [self = shared_from_this(), result = std::move(result)] { self->done(result); });
  }

  std::size_t end() const { return std::min(open.size(), at + kMaxConvertedAtOnce); }
  std::string source() const { return api_version_of(*objects[open[at]]); }

  void ask() {
    if (at == open.size()) return finish(std::move(objects));
    auto request = make_request();
    if (!request) return finish(std::unexpected(failure(source(), request.error().message)));
    backend->options.webhooks->send(
        webhook().target, std::move(*request),
        [self = shared_from_this()](Result<WebhookAnswer> answer) { self->take(answer); });
  }

  Result<WebhookRequest> make_request() {
    if (backend->options.webhooks == nullptr || webhook().target == nullptr) {
      return errors::internal("the webhook cannot be called");
    }
    WebhookRequest request;
    request.timeout = kConversionTimeout;
    const std::string version = review_version();
    uid = make_uuid(backend->options.rng);
    request.body = R"({"kind":"ConversionReview","apiVersion":"apiextensions.k8s.io/)" + version +
                   R"(","request":{"uid":")" + uid + R"(","desiredAPIVersion":")" + wanted +
                   R"(","objects":[)";
    for (std::size_t i = at; i < end(); ++i) {
      if (i != at) request.body += ',';
      request.body += *stored_json(objects[open[i]]);
    }
    request.body += "]}}";
    if (!webhook().url.empty()) return request;
    const auto addresses = service_addresses(
        backend->store(), webhook().service_namespace,
        {"https", webhook().service_name, std::to_string(webhook().service_port)});
    if (!addresses) return std::unexpected(addresses.error());
    if (addresses->empty()) {
      return errors::unavailable("no endpoints available for service \"" + webhook().service_name +
                                 "\"");
    }
    const auto& chosen = (*addresses)[backend->options.rng.below(addresses->size())];
    request.dial_host = chosen.host;
    request.dial_port = chosen.port;
    return request;
  }

  // The first that both know.
  std::string review_version() const {
    for (const std::string& version : webhook().review_versions) {
      if (version == "v1" || version == "v1beta1") return version;
    }
    return "v1";
  }

  void take(const Result<WebhookAnswer>& answer) {
    const std::string from = source();
    Result<void> ok;
    if (!answer)
      ok = std::unexpected(answer.error());
    else if (answer->status < 200 || answer->status > 299)
      ok = errors::internal("the server answered " + std::to_string(answer->status));
    else
      ok = take_review(answer->body);
    if (!ok) return finish(std::unexpected(failure(from, ok.error().message)));
    at = end();
    ask();
  }

  Result<void> take_review(std::string_view body) {
    api::Arena arena(64 << 10);
    auto review = api::parse_json(arena, body);
    if (!review) return std::unexpected(std::move(review.error()));
    const Value* response = review->find("response");
    if (response == nullptr || !response->is_object()) {
      return errors::internal("no response provided");
    }
    if (response->string_at("uid") != uid) {
      return errors::internal("expected response.uid=\"" + uid + "\", got \"" +
                              std::string(response->string_at("uid")) + "\"");
    }
    const Value* result = response->find("result");
    if (result == nullptr || result->string_at("status") != "Success") {
      const std::string_view why = result == nullptr ? "" : result->string_at("message");
      return errors::internal(why.empty() ? "the webhook gave no reason" : std::string(why));
    }
    const Value* converted = response->find("convertedObjects");
    const std::size_t count = converted != nullptr && converted->is_array() ? converted->size() : 0;
    if (count != end() - at) {
      return errors::internal("webhook returned " + std::to_string(count) + " objects, expected " +
                              std::to_string(end() - at));
    }
    for (std::size_t i = 0; i < count; ++i) {
      store::ObjectRef& object = objects[open[at + i]];
      auto made = take_object(arena, *object, deep_copy(arena, converted->items()[i]));
      if (!made) return std::unexpected(std::move(made.error()));
      object = std::move(*made);
    }
    return {};
  }

  // Of the metadata a webhook may change labels and annotations.
  Result<store::ObjectRef> take_object(api::Arena& arena, const store::Object& before,
                                       Value converted) const {
    auto original = parse_stored(arena, before);
    if (!original) return std::unexpected(std::move(original.error()));
    if (converted.string_at("apiVersion") != wanted) {
      return errors::internal(
          "webhook returned invalid object at index: invalid groupVersion (got " +
          std::string(converted.string_at("apiVersion")) + ", wanted " + wanted + ")");
    }
    if (converted.string_at("kind") != original->string_at("kind")) {
      return errors::internal(
          "must have the same kind: " + std::string(original->string_at("kind")) +
          " != " + std::string(converted.string_at("kind")));
    }
    for (const char* key : {"name", "namespace", "uid"}) {
      const std::string_view was = meta_text(*original, key), is = meta_text(converted, key);
      if (was == is) continue;
      const std::string shown = key == std::string_view("uid") ? "UID" : key;
      return errors::internal("must have the same " + shown + ": " + std::string(was) +
                              " != " + std::string(is));
    }
    Value metadata = *original->find("metadata");
    for (const char* key : {"labels", "annotations"}) {
      const Value* is = converted.find_path({"metadata", key});
      if (is == nullptr || is->is_null())
        metadata.erase(key);
      else
        metadata.set_ref(arena, key, *is);
    }
    converted.set_ref(arena, "metadata", metadata);
    return restated(before, converted);
  }
};

void convert_all(const BackendRef& backend, const CallRef& call, std::string wanted,
                 std::vector<store::ObjectRef> objects, ObjectsDone done) {
  auto conversion = std::make_shared<Conversion>();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    if (api_version_of(*objects[i]) != wanted) conversion->open.push_back(i);
  }
  if (conversion->open.empty()) return done(std::move(objects));
  conversion->backend = backend;
  conversion->call = call;
  conversion->wanted = std::move(wanted);
  conversion->objects = std::move(objects);
  conversion->done = std::move(done);
  conversion->ask();
}

}  // namespace

bool has_conversion_webhook(const Call& call) {
  const CustomVersion* custom = call.resource == nullptr ? nullptr : call.resource->custom;
  return custom != nullptr && custom->kind->webhook() != nullptr;
}

void in_requested_version(const BackendRef& backend, const CallRef& call,
                          std::vector<store::ObjectRef> objects, ObjectsDone done) {
  if (!has_conversion_webhook(*call)) return done(std::move(objects));
  convert_all(backend, call, version_of(*call->resource), std::move(objects), std::move(done));
}

void in_requested_version(const BackendRef& backend, const CallRef& call, store::ObjectRef object,
                          std::function<void(Result<store::ObjectRef>)> done) {
  if (!has_conversion_webhook(*call)) return done(std::move(object));
  in_requested_version(backend, call, std::vector<store::ObjectRef>{std::move(object)},
                       [done = std::move(done)](Result<std::vector<store::ObjectRef>> all) {
                         if (!all) return done(std::unexpected(std::move(all.error())));
                         done(std::move(all->front()));
                       });
}

void in_stored_version(const BackendRef& backend, const CallRef& call, api::Arena& arena,
                       Value& object, std::function<void(Result<void>)> done) {
  if (!has_conversion_webhook(*call)) return done({});
  const auto& stored = call->resource->custom->kind->storage_version().resource;
  auto now = std::make_shared<store::Object>();
  now->json = api::to_json_text(object);
  convert_all(backend, call, version_of(stored), {std::move(now)},
              [&arena, &object, done = std::move(done)](Result<std::vector<store::ObjectRef>> all) {
                if (!all) return done(std::unexpected(std::move(all.error())));
                auto tree = parse_stored(arena, *all->front());
                if (!tree) return done(std::unexpected(std::move(tree.error())));
                object = *tree;
                done({});
              });
}

store::ObjectRef written_object(const Call& call, const Value& object,
                                const store::ObjectRef& stored) {
  if (!has_conversion_webhook(call)) return stored;
  return restated(*stored, object);
}

}  // namespace pinnace::apiserver
