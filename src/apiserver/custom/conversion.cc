#include "apiserver/custom/conversion.h"

#include "api/go_text.h"
#include "api/json.h"
#include "api/json_scan.h"
#include "apiserver/custom/custom_kind.h"
#include "apiserver/custom/custom_objects.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/webhook/webhook_review.h"
#include "apiserver/webhook/webhook_service.h"

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

  // "conversion webhook for example.com/v1, Kind=A failed: WHY"
  Error failure(const std::string& from, const std::string& why) const {
    Error error;
    error.message = "conversion webhook for " + from +
                    ", Kind=" + std::string(call->resource->kind) + " " + why;
    return error;
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
    if (backend->options.webhooks == nullptr || webhook().target == nullptr) {
      return finish(std::unexpected(failure(source(), "failed: the webhook cannot be called")));
    }
    // Who is asked is told how long we wait.
    const WebhookTargetRef target = webhook().target->with_parameter(
        "timeout=" + std::to_string(kConversionTimeout.count()) + "s");
    auto request = make_request(*target);
    if (!request) {
      return finish(std::unexpected(failure(source(), "failed: " + request.error().message)));
    }
    backend->options.webhooks->send(
        target, std::move(*request),
        [self = shared_from_this()](Result<WebhookAnswer> answer) { self->take(answer); });
  }

  Result<WebhookRequest> make_request(const WebhookTarget& target) {
    WebhookRequest request;
    request.timeout = kConversionTimeout;
    uid = make_uuid(backend->options.rng);
    request.body = R"({"kind":"ConversionReview","apiVersion":")" + version_of(form()) +
                   R"(","request":{"uid":")" + uid + R"(","desiredAPIVersion":")" + wanted +
                   R"(","objects":[)";
    for (std::size_t i = at; i < end(); ++i) {
      if (i != at) request.body += ',';
      auto shown = shown_json(*objects[open[i]]);
      if (!shown) return std::unexpected(std::move(shown.error()));
      request.body += *shown;
    }
    request.body += "]}}";
    if (auto ok = dial_service(*backend, webhook().service, request); !ok) {
      return errors::unavailable(webhook_failure(target, ok.error().message));
    }
    return request;
  }

  // As the schema of the version that the object is in has it.
  Result<std::string> shown_json(const store::Object& object) const {
    const CustomKind& kind = *call->resource->custom->kind;
    const CustomVersion* own = kind.find_api_version(api_version_of(object));
    if (own == nullptr) return object.json.text();
    api::Arena arena(16 << 10);
    auto tree = parse_stored(arena, object);
    if (!tree) return std::unexpected(std::move(tree.error()));
    show_custom_object(arena, *tree, *own);
    return api::to_json_text(*tree);
  }

  // In the first version that both know.
  ReviewForm form() const {
    ReviewForm form{"apiextensions.k8s.io", "ConversionReview"};
    for (const std::string& version : webhook().review_versions) {
      if (version != "v1" && version != "v1beta1") continue;
      form.is_v1 = version == "v1";
      break;
    }
    return form;
  }

  void take(const Result<WebhookAnswer>& answer) {
    const std::string from = source();
    Result<void> ok;
    if (!answer)
      ok = errors::internal("failed: " + answer.error().message);
    else if (const std::string why = problem_of_answer(*answer); !why.empty())
      ok = errors::internal("failed: " + why);
    else
      ok = take_review(answer->body);
    if (!ok) return finish(std::unexpected(failure(from, ok.error().message)));
    at = end();
    ask();
  }

  // What is wrong with a review apart from the objects in it, or "".
  std::string problem_of(const Value& review) const {
    if (const std::string why = problem_of_form(review, form()); !why.empty()) return why;
    const Value* response = review.find("response");
    if (response == nullptr || !response->is_object()) return "no response provided";
    const std::string_view answered = response->string_at("uid");
    if (form().is_v1 && answered != uid) {
      return "expected response.uid=\"" + uid + "\", got " + quoted(answered);
    }
    const Value* result = response->find("result");
    const std::string_view status = result == nullptr ? "" : result->string_at("status");
    if (status == "Success") return "";
    const std::string_view why = result == nullptr ? "" : result->string_at("message");
    return why.empty() ? "response.result.status was '" + std::string(status) + "', not 'Success'"
                       : std::string(why);
  }

  Result<void> take_review(std::string_view body) {
    api::Arena arena(64 << 10);
    auto review = decode_review(arena, body, form());
    if (!review) return errors::internal("failed: " + review.error().message);
    if (const std::string why = problem_of(*review); !why.empty()) {
      return errors::internal("failed: " + why);
    }
    const Value* converted = review->find_path({"response", "convertedObjects"});
    const std::size_t count = converted != nullptr && converted->is_array() ? converted->size() : 0;
    if (count != end() - at) {
      return errors::internal("returned " + std::to_string(count) + " objects, expected " +
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
    const auto refuse = [](std::string_view what, std::string_view expected,
                           std::string_view received) {
      return errors::internal("returned invalid object at index 0: invalid " + std::string(what) +
                              " (expected " + std::string(expected) + ", received " +
                              std::string(received) + ")");
    };
    const std::string_view version = converted.string_at("apiVersion");
    const std::string_view kind = converted.string_at("kind");
    if (version != wanted) return refuse("groupVersion", wanted, version);
    if (kind != original->string_at("kind")) {
      return refuse("kind", original->string_at("kind"), kind);
    }
    for (const char* key : {"name", "namespace", "uid"}) {
      const std::string_view was = meta_text(*original, key), is = meta_text(converted, key);
      if (was == is) continue;
      const std::string shown = key == std::string_view("uid") ? "UID" : key;
      return errors::internal("returned invalid object: must have the same " + shown + ": " +
                              std::string(was) + " != " + std::string(is));
    }
    const Value* returned = converted.find("metadata");
    if (returned == nullptr || !returned->is_object()) {
      return errors::internal("returned invalid metadata: missing metadata in converted object");
    }
    Value metadata = *original->find("metadata");
    for (const char* key : {"labels", "annotations"}) {
      const Value* is = returned->find(key);
      if (is == nullptr || is->is_null()) {
        metadata.erase(key);
        continue;
      }
      const std::string why = problem_of_texts(key, *is, metadata.find(key));
      if (!why.empty()) return errors::internal("returned invalid metadata: " + why);
      metadata.set_ref(arena, key, *is);
    }
    converted.set_ref(arena, "metadata", metadata);
    return restated(before, converted);
  }

  // What is wrong with labels or annotations that a webhook changed, or "".
  static std::string problem_of_texts(const std::string& key, const Value& now, const Value* was) {
    if (!now.is_object()) return "invalid metadata." + key + " in converted object";
    for (const api::Member& member : now.members()) {
      if (member.value.is_string()) continue;
      return "metadata." + key + "[" + std::string(member.key) + "] must be a string, but is " +
             std::string(api::go_type(member.value)) + " in converted object";
    }
    if (was != nullptr && api::equal(now, *was)) return "";
    std::vector<Cause> causes;
    if (key == "labels")
      validate_labels(causes, &now, "metadata.labels");
    else
      validate_annotations(causes, &now, "metadata.annotation");
    return aggregate_text(causes);
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

void in_version(const BackendRef& backend, const CallRef& call, api::Arena& arena,
                const std::vector<Value>& objects, const api::ResourceInfo& version,
                ValuesDone done) {
  std::vector<store::ObjectRef> sent;
  std::vector<std::string> revisions;
  for (const Value& object : objects) {
    auto made = std::make_shared<store::Object>();
    made->json = api::to_json_text(object);
    sent.push_back(std::move(made));
    revisions.emplace_back(meta_text(object, "resourceVersion"));
  }
  convert_all(backend, call, version_of(version), std::move(sent),
              [&arena, revisions = std::move(revisions),
               done = std::move(done)](const Result<std::vector<store::ObjectRef>>& all) {
                if (!all) return done(std::unexpected(all.error()));
                std::vector<Value> trees;
                for (const store::ObjectRef& each : *all) {
                  auto tree = parse_stored(arena, *each);
                  if (!tree) return done(std::unexpected(std::move(tree.error())));
                  Value& meta = meta_of(arena, *tree);
                  // What was asked with is no stored object, and had no revision to be kept.
                  const Value revision = Value::string(arena, revisions[trees.size()]);
                  if (revision.as_string().empty())
                    meta.erase("resourceVersion");
                  else
                    meta.set_ref(arena, "resourceVersion", revision);
                  trees.push_back(*tree);
                }
                done(std::move(trees));
              });
}

void in_stored_version(const BackendRef& backend, const CallRef& call, api::Arena& arena,
                       Value& object, std::function<void(Result<void>)> done) {
  if (!has_conversion_webhook(*call)) return done({});
  const auto& stored = call->resource->custom->kind->storage_version().resource;
  in_version(backend, call, arena, {object}, stored,
             [&object, done = std::move(done)](const Result<std::vector<Value>>& all) {
               if (!all) return done(std::unexpected(all.error()));
               object = all->front();
               done({});
             });
}

void answer_converted(const BackendRef& backend, const CallRef& call, int status,
                      store::ObjectRef object) {
  in_requested_version(backend, call, std::move(object),
                       [call, status](const Result<store::ObjectRef>& shown) {
                         if (!shown) return answer_error(*call, shown.error());
                         answer_object(*call, status, *shown);
                       });
}

}  // namespace pinnace::apiserver
