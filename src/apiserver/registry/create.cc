// POST: a new object.
#include "api/json.h"
#include "api/object_codec.h"
#include "apiserver/admission/admission.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/registry/commit.h"
#include "apiserver/registry/companions.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/owner_references.h"
#include "apiserver/registry/ownership.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/schema_validation.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/registry/write_options.h"
#include "apiserver/strategies/switched_off.h"

namespace pinnace::apiserver {
namespace {

constexpr std::size_t kMaxGeneratedPrefix = 58;
constexpr int kGeneratedTries = 8;
constexpr int kMaxAttempts = 8;

struct Creation {
  Creation(BackendRef owner, CallRef from)
      : backend(std::move(owner)),
        call(std::move(from)),
        change{*backend, *call, arena, *call->storage} {}
  BackendRef backend;
  CallRef call;
  api::Arena arena{16 << 10};
  Change change;
  api::Value object;
  api::Value kept;  // What is stored of it.
  AdmissionRequest admission{change, Operation::kCreate, &object, nullptr};
  bool names_revision = false;  // That of some other object.
  std::function<void()> taken;
  // Begins anew; empty when that was tried too often.
  std::function<void()> again;

  void fail(const Error& error) {
    change.done(false);
    answer_error(*call, error);
  }
};
using CreationRef = std::shared_ptr<Creation>;

Result<void> settle_namespace(Change& change, api::Value& meta) {
  if (!change.storage.namespaced) {
    meta.erase("namespace");
    return {};
  }
  const std::string_view own = meta.string_at("namespace");
  if (auto ok = check_namespace(own, change.ns); !ok) return ok;
  if (own.empty()) meta.set_ref(change.arena, "namespace", change.text(change.ns));
  return {};
}

// A name that nobody has; after some tries one that is taken, and the write is a conflict.
std::string generate_name(const Change& change, std::string_view prefix) {
  std::string name;
  for (int tries = 0; tries < kGeneratedTries; ++tries) {
    name = std::string(prefix.substr(0, kMaxGeneratedPrefix)) +
           random_suffix(change.backend.options.rng);
    const auto taken =
        change.backend.store().get({std::string(change.storage.storage_resource), change.ns, name});
    if (!taken) break;
  }
  return name;
}

// The last moment at which an object without a name gets one: admission may have named it.
void settle_name(Change& change, api::Value& meta) {
  std::string name(meta.string_at("name"));
  const std::string_view prefix = meta.string_at("generateName");
  if (name.empty() && !prefix.empty()) name = generate_name(change, prefix);
  if (!name.empty()) meta.set_ref(change.arena, "name", change.text(name));
  change.name = name;
}

// What a PUT or an apply makes of a built-in kind says of its deletion what the client does, as in
// Kubernetes.
bool is_posted(const Change& change) {
  return change.call.info.verb == "create" || change.storage.custom != nullptr;
}

void wipe_system_fields(api::Value& meta) {
  for (const char* key : {"uid", "creationTimestamp", "deletionTimestamp",
                          "deletionGracePeriodSeconds", "selfLink"}) {
    meta.erase(key);
  }
}

void settle_system_fields(Change& change, const Strategy& strategy, api::Value& meta) {
  if (is_posted(change)) wipe_system_fields(meta);
  for (const char* key : {"resourceVersion", "generation"}) meta.erase(key);
  meta.set_ref(change.arena, "uid", change.text(make_uuid(change.backend.options.rng)));
  meta.set_ref(change.arena, "creationTimestamp", change.text(rfc3339(change.backend.now())));
  if (strategy.has_generation) meta.set_ref(change.arena, "generation", api::Value::integer(1));
}

// What admission is asked about: without what only the server says, and without a name where the
// server makes one.
Result<void> settle_request(Creation& creation) {
  Change& change = creation.change;
  api::Value& meta = meta_of(change.arena, creation.object);
  if (auto ok = settle_namespace(change, meta); !ok) return ok;
  const std::string_view text = meta.string_at("resourceVersion");
  const auto revision = parse_revision(text);
  const bool is_update = creation.call->info.verb != "create";
  if (is_update && !revision) return errors::unexplained(not_a_number("ParseUint", text));
  creation.names_revision = !is_update && revision.value_or(0) != 0;
  if (is_posted(change)) wipe_system_fields(meta);
  std::string name(meta.string_at("name"));
  if (name.empty() && !change.call.info.name.empty()) {
    name = change.call.info.name;
    meta.set_ref(change.arena, "name", change.text(name));
  }
  change.name = name;
  change.name_prefix = meta.string_at("generateName");
  return {};
}

// What the kind's strategy fills in and checks.
Result<void> prepare(Creation& creation) {
  Change& change = creation.change;
  const Strategy& strategy = strategy_for(change.storage);
  drop_repeated_owners(change, creation.object, OwnersFrom::kAdmission);
  settle_name(change, meta_of(change.arena, creation.object));
  settle_system_fields(change, strategy, meta_of(change.arena, creation.object));
  if (change.storage.subresource("status") != nullptr && !strategy.keeps_status) {
    creation.object.erase("status");
  }
  drop_switched_off(creation.object, nullptr, change.storage.storage_resource);
  if (strategy.prepare_create != nullptr) {
    if (auto ok = strategy.prepare_create(change, creation.object); !ok) return ok;
  }
  validate_meta(change, strategy, creation.object);
  if (strategy.validate != nullptr) strategy.validate(change, creation.object);
  validate_by_schema(change, *change.storage.type, creation.object, nullptr);
  if (strategy.claim != nullptr) {
    if (auto ok = strategy.claim(change, creation.object, nullptr); !ok) return ok;
  }
  if (!change.causes.empty()) {
    return errors::invalid(kind_text(change.storage), change.name, std::move(change.causes));
  }
  if (strategy.warn != nullptr) strategy.warn(change, creation.object, nullptr);
  if (change.storage.custom != nullptr) return {};
  // What was filled in on the way gets its place.
  return api::normalise(change.arena, creation.object, *change.storage.type);
}

store::Key key_of(const Change& change) {
  return {std::string(change.storage.storage_resource), change.ns, change.name};
}

// There is one of that name.
Error exists_error(const Creation& creation) {
  const Change& change = creation.change;
  Error error =
      errors::already_exists(resource_text(*creation.call->resource), change.name).error();
  if (!meta_text(creation.object, "generateName").empty()) {
    error.message += ", the server was not able to generate a unique name for the object";
    error.retry_after_seconds = 1;
  }
  const auto there = change.backend.store().get(key_of(change));
  api::Arena arena;
  const auto tree = there ? parse_stored(arena, **there) : api::Value::null();
  if (tree && is_being_deleted(*tree)) error.message = "object is being deleted: " + error.message;
  return error;
}

// It was not written; `then` says what is told of that.
void give_up(const CreationRef& creation, std::function<void()> then) {
  creation->change.done(false);
  unmake_companions(creation->change, [creation, then = std::move(then)] { then(); });
}

// Somebody has the name.
void told_taken(const CreationRef& creation) {
  if (creation->taken) return give_up(creation, creation->taken);
  give_up(creation, [creation] { creation->fail(exists_error(*creation)); });
}

// What it was decided by may have changed.
void begin_again(const CreationRef& creation, const Error& error) {
  if (creation->again && error.is("Conflict")) {
    return give_up(creation, [creation] { creation->call->exchange->post(creation->again); });
  }
  give_up(creation, [creation, error] {
    creation->fail(write_error(*creation->call, error, creation->change.name));
  });
}

void write(const CreationRef& creation, store::Key key) {
  const Change& change = creation->change;
  SplitJson parts = to_stored(creation->kept, change.storage);
  store::Write write{store::Write::Type::kCreate,
                     std::move(key),
                     std::string(meta_text(creation->object, "uid")),
                     std::move(parts.head),
                     std::move(parts.tail),
                     0,
                     strategy_for(change.storage).durable,
                     change.guards};
  commit_write(change.backend, change.call, std::move(write),
               [creation](Result<store::ObjectRef> done) {
                 if (!done && done.error().is("AlreadyExists")) return told_taken(creation);
                 if (!done) return begin_again(creation, done.error());
                 creation->change.done(true);
                 answer_converted(creation->backend, creation->call, 201, *done);
               });
}

// Its companions first; not for a name that is known to be taken.
void write_all(const CreationRef& creation, store::Key key) {
  Change& change = creation->change;
  if (change.companions.empty()) return write(creation, std::move(key));
  if (change.backend.store().get(key)) return told_taken(creation);
  make_companions(change, [creation, key = std::move(key)](const Result<void>& made) {
    if (!made) return begin_again(creation, made.error());
    write(creation, key);
  });
}

// A dry run ends where something would be written.
void commit(const CreationRef& creation, store::Key key) {
  creation->kept = creation->object;
  in_stored_version(creation->backend, creation->call, creation->arena, creation->kept,
                    [creation, key = std::move(key)](const Result<void>& ok) {
                      if (!ok) return creation->fail(ok.error());
                      if (!creation->change.dry_run) return write_all(creation, key);
                      creation->change.done(false);
                      answer_converted(creation->backend, creation->call, 201,
                                       unstored(key, api::to_json_text(creation->kept)));
                    });
}

// The last stage: everyone has agreed.
void settle(const CreationRef& creation) {
  Change& change = creation->change;
  if (change.storage.custom == nullptr) {
    api::forget_empty_lists(creation->object, *change.storage.type);
  }
  store::Key key = key_of(change);
  if (!change.dry_run && creation->names_revision) {
    return creation->fail(
        errors::unexplained("resourceVersion should not be set on objects to be created").error());
  }
  if (change.dry_run && change.backend.store().get(key)) {
    return creation->fail(exists_error(*creation));
  }
  commit(creation, std::move(key));
}

}  // namespace

store::ObjectRef unstored(const store::Key& key, std::string json) {
  auto object = std::make_shared<store::Object>();
  object->key = key;
  object->json = std::move(json);
  return object;
}

Error write_error(const Call& call, Error error, const std::string& name) {
  const std::string resource = resource_text(*call.resource);
  if (error.is("AlreadyExists")) return errors::already_exists(resource, name).error();
  if (error.is("NotFound")) return errors::not_found(resource, name).error();
  if (error.is("Conflict")) {
    return errors::conflict(resource, name,
                            "the object has been modified; please apply your changes to the latest "
                            "version and try again")
        .error();
  }
  return error;
}

void create_object(const BackendRef& backend, const CallRef& call) {
  if (auto ok = check_write_options(*call, WriteKind::kCreate); !ok) {
    return answer_error(*call, ok.error());
  }
  create_made(backend, call, {.make = [call](Change& change) {
                return read_object(*call, change.arena, *call->resource);
              }});
}

void create_made(const BackendRef& backend, const CallRef& call, Making making) {
  const auto creation = std::make_shared<Creation>(backend, call);
  if (making.attempt < kMaxAttempts) {
    Making next = making;
    ++next.attempt;
    creation->again = [backend, call, next] { create_made(backend, call, next); };
  }
  Change& change = creation->change;
  change.dry_run = is_dry_run(*call);
  auto object = making.make(change);
  if (!object) return answer_error(*call, object.error());
  creation->object = *object;
  creation->taken = std::move(making.taken);
  // A namespace is named by its path as if it were in itself.
  change.ns = change.storage.namespaced ? call->info.ns : "";
  if (auto ok = settle_request(*creation); !ok) return creation->fail(ok.error());
  const bool is_sent = making.ownership == Ownership::kTracked;
  if (is_sent) drop_repeated_owners(change, creation->object, OwnersFrom::kClient);
  if (is_sent) track_ownership(change, creation->object, nullptr);
  const AdmissionRequestRef request(creation, &creation->admission);
  const AdmissionChain& chain = backend->admission;
  chain.mutate(request, [creation, request, &chain](Result<void> ok) {
    if (ok) ok = prepare(*creation);
    if (!ok) return creation->fail(ok.error());
    chain.validate(request, [creation](const Result<void>& agreed) {
      if (!agreed) return creation->fail(agreed.error());
      settle(creation);
    });
  });
}

}  // namespace pinnace::apiserver
