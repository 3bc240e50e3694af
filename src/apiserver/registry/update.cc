// PUT and PATCH: an object that is there becomes another, if nobody was faster.
#include "api/json.h"
#include "api/member_index.h"
#include "api/object_codec.h"
#include "apiserver/admission/admission.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/registry/applying.h"
#include "apiserver/registry/commit.h"
#include "apiserver/registry/companions.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/owner_references.h"
#include "apiserver/registry/ownership.h"
#include "apiserver/registry/patching.h"
#include "apiserver/registry/preconditions.h"
#include "apiserver/registry/registry.h"
#include "apiserver/registry/schema_validation.h"
#include "apiserver/registry/write_options.h"
#include "apiserver/routes.h"
#include "apiserver/strategies/switched_off.h"
#include "apiserver/subresources/scale.h"

namespace pinnace::apiserver {
namespace {

constexpr int kMaxAttempts = 8;

struct Attempt {
  Attempt(BackendRef owner, CallRef from, store::Key at, Update what, int number)
      : backend(std::move(owner)),
        call(std::move(from)),
        key(std::move(at)),
        update(std::move(what)),
        attempt(number),
        change{*backend, *call, arena, *call->storage, key.ns, key.name, update.subresource} {}
  BackendRef backend;
  CallRef call;
  store::Key key;
  Update update;
  int attempt;
  api::Arena arena{16 << 10};
  Change change;
  store::ObjectRef before;
  api::Value old, object;
  api::Value kept;              // What is stored of `object`.
  api::Value shown, shown_old;  // What `update.show` makes of them.
  AdmissionRequest admission{change, Operation::kUpdate, &object, &old};

  void answer(const store::ObjectRef& result) {
    if (update.answer) return update.answer(*call, result);
    answer_object(*call, 200, result);
  }
  void fail(const Error& error) {
    change.done(false);
    answer_error(*call, error);
  }
};
using AttemptRef = std::shared_ptr<Attempt>;

// What Kubernetes does not take as it was, but refuses, when a client would change it.
void refuse_changed_fields(Change& change, const api::Value& meta, const api::Value* before) {
  const auto refuse_if = [&](const char* key, bool is_refused) {
    if (!is_refused) return;
    change.causes.push_back(cause::invalid(
        std::string("metadata.") + key, api::to_json_text(*meta.find(key)), "field is immutable"));
  };
  const auto has = [](const api::Value* within, const char* key) {
    const auto* value = within == nullptr ? nullptr : within->find(key);
    return value != nullptr && !value->is_null();
  };
  const auto differs = [&](const char* key) {
    return has(&meta, key) &&
           !(has(before, key) && api::equal(*meta.find(key), *before->find(key)));
  };
  refuse_if("uid", !meta.string_at("uid").empty() && differs("uid"));
  refuse_if("deletionTimestamp",
            has(&meta, "deletionTimestamp") && !has(before, "deletionTimestamp"));
  refuse_if("deletionGracePeriodSeconds", differs("deletionGracePeriodSeconds"));
}

// What a client can never change.
void keep_system_fields(Change& change, api::Value& object, const api::Value& old) {
  api::Value& meta = meta_of(change.arena, object);
  // Who reports on a pod does not delete it.
  const bool is_pod_status =
      change.subresource == "status" && metadata_of_status(change) == MetadataOfStatus::kKeptOwners;
  if (is_pod_status) meta.erase("deletionTimestamp");
  const auto* before = old.find("metadata");
  refuse_changed_fields(change, meta, before);
  for (const char* key :
       {"name", "namespace", "uid", "creationTimestamp", "deletionTimestamp",
        "deletionGracePeriodSeconds", "generation", "selfLink", "resourceVersion"}) {
    const auto* value = before == nullptr ? nullptr : before->find(key);
    if (value == nullptr)
      meta.erase(key);
    else
      meta.set_ref(change.arena, key, *value);
  }
}

// Some kinds take metadata with their status, and some do not.
void keep_metadata_of_status(Change& change, api::Value& meta, const api::Value& old) {
  const MetadataOfStatus kept = metadata_of_status(change);
  const auto keep = [&](const char* key) {
    if (const auto* value = old.find_path({"metadata", key}))
      meta.set_ref(change.arena, key, *value);
    else
      meta.erase(key);
  };
  const bool is_kept = kept == MetadataOfStatus::kKept;
  if (is_kept || kept == MetadataOfStatus::kKeptOwners) keep("ownerReferences");
  if (is_kept || kept == MetadataOfStatus::kKeptLabels) keep("labels");
  if (!is_kept) return;
  keep("annotations");
  keep("finalizers");
}

// Which half of the object this request may change.
void keep_other_half(Change& change, api::Value& object, const api::Value& old) {
  // The scheduler's binding and the approval of a signing request write conditions too.
  const bool writes_both = change.subresource == "binding" || change.subresource == "approval";
  const bool has_status = change.storage.subresource("status") != nullptr && !writes_both;
  if (change.subresource == "status") {
    const auto* status = object.find("status");
    api::Value meta = *object.find("metadata");
    keep_metadata_of_status(change, meta, old);
    api::Value next = api::copy_nodes(change.arena, old);
    next.set_ref(change.arena, "metadata", meta);
    if (status == nullptr)
      next.erase("status");
    else
      next.set_ref(change.arena, "status", *status);
    object = next;
  } else if (has_status) {
    const auto* status = old.find("status");
    if (status == nullptr)
      object.erase("status");
    else
      object.set_ref(change.arena, "status", *status);
  }
}

// True if anything but metadata and, `with_status` apart, the status differs.
bool spec_differs(const api::Value& a, const api::Value& b, bool with_status) {
  const auto covers = [with_status](const api::Value& left, const api::Value& right) {
    api::MemberIndex index(right);
    for (const auto& [key, value] : left.members()) {
      if (key == "metadata" || key == "kind" || key == "apiVersion") continue;
      if (key == "status" && !with_status) continue;
      const auto* other = index.find(key);
      if (other == nullptr ? !value.is_null() : !api::equal(value, *other)) return false;
    }
    return true;
  };
  return !covers(a, b) || !covers(b, a);
}

// `annotations` or `labels`.
bool metadata_differs(const Attempt& attempt, std::string_view member) {
  const auto* now = attempt.object.find_path({"metadata", member});
  const auto* before = attempt.old.find_path({"metadata", member});
  const bool has_some = now != nullptr && !now->empty();
  const bool had_some = before != nullptr && !before->empty();
  return has_some && had_some ? !api::equal(*now, *before) : has_some != had_some;
}

// What the kind's strategy fills in and checks.
Result<void> prepare(Attempt& attempt) {
  Change& change = attempt.change;
  const Strategy& strategy = strategy_for(change.storage);
  drop_repeated_owners(change, attempt.object, OwnersFrom::kAdmission);
  drop_switched_off(attempt.object, &attempt.old, change.storage.storage_resource);
  if (strategy.prepare_update != nullptr) {
    if (auto ok = strategy.prepare_update(change, attempt.object, attempt.old); !ok) return ok;
  }
  const bool counts = change.subresource != "status" && change.subresource != "binding";
  // A custom kind without that subresource has a status like any other field.
  const bool with_status =
      change.storage.custom != nullptr && change.storage.subresource("status") == nullptr;
  const auto differs = [&] {
    return spec_differs(attempt.object, attempt.old, with_status) ||
           (strategy.counts_annotations && metadata_differs(attempt, "annotations")) ||
           (strategy.counts_labels && metadata_differs(attempt, "labels"));
  };
  if (strategy.has_generation && !strategy.generation_stays && counts && differs()) {
    api::Value& meta = meta_of(change.arena, attempt.object);
    meta.set_ref(change.arena, "generation", api::Value::integer(meta.int_at("generation") + 1));
  }
  for (const auto& text : api::check_path_segment_name(meta_text(attempt.object, "generateName"))) {
    const std::string shown = quoted(meta_text(attempt.object, "generateName"));
    change.causes.push_back(cause::invalid("metadata.generateName", shown, text));
  }
  validate_meta(change, strategy, attempt.object);
  validate_meta_update(change, attempt.object, attempt.old);
  change.old = &attempt.old;
  if (change.subresource == "status") {
    if (strategy.validate_status != nullptr) {
      strategy.validate_status(change, attempt.object, attempt.old);
    }
  } else {
    if (strategy.validate != nullptr) strategy.validate(change, attempt.object);
    if (strategy.validate_update != nullptr) {
      strategy.validate_update(change, attempt.object, attempt.old);
    }
    validate_by_schema(change, *change.storage.type, attempt.object, &attempt.old);
    if (strategy.claim != nullptr) {
      if (auto ok = strategy.claim(change, attempt.object, &attempt.old); !ok) return ok;
    }
  }
  if (change.causes.empty()) {
    const auto warn = change.subresource == "status" ? strategy.warn_status : strategy.warn;
    if (warn != nullptr) warn(change, attempt.object, &attempt.old);
    return {};
  }
  return errors::invalid(kind_text(change.storage), change.name, std::move(change.causes));
}

// The last finalizer of an object that waits for nothing else went away.
bool is_done_with(const api::Value& object) {
  if (!is_being_deleted(object) || has_finalizers(object)) return false;
  if (object.find("metadata")->int_at("deletionGracePeriodSeconds") != 0) return false;
  return !has_namespace_finalizers(object);
}

// It was not written: begins anew on what is there now, or says so.
void give_up(const AttemptRef& attempt, const Error& error, bool may_repeat) {
  attempt->change.done(false);
  unmake_companions(attempt->change, [attempt, error, may_repeat] {
    if (may_repeat && attempt->attempt < kMaxAttempts) {
      return run_update(attempt->backend, attempt->call, attempt->key, attempt->update,
                        attempt->attempt + 1);
    }
    answer_error(*attempt->call, write_error(*attempt->call, error, attempt->key.name));
  });
}

void answer_written(const AttemptRef& attempt, const store::ObjectRef& written) {
  in_requested_version(attempt->backend, attempt->call, written,
                       [attempt](const Result<store::ObjectRef>& shown) {
                         if (!shown) return answer_error(*attempt->call, shown.error());
                         attempt->answer(*shown);
                       });
}

// What the object has no more goes before the answer.
void finish(const AttemptRef& attempt, bool is_removed, const store::ObjectRef& written) {
  auto outdated = std::move(attempt->change.outdated);
  const Strategy& own = strategy_for(attempt->change.storage);
  if (is_removed && own.companions != nullptr) outdated = own.companions(attempt->old);
  if (outdated.empty()) return answer_written(attempt, written);
  remove_companions(attempt->backend, attempt->call, std::move(outdated),
                    [attempt, written] { answer_written(attempt, written); });
}

void write(const AttemptRef& attempt) {
  Change& change = attempt->change;
  const Strategy& strategy = strategy_for(change.storage);
  const bool removes = is_done_with(attempt->object);
  SplitJson parts = to_stored(attempt->kept, change.storage);
  store::Write write{removes ? store::Write::Type::kDelete : store::Write::Type::kUpdate,
                     attempt->key,
                     attempt->before->uid,
                     std::move(parts.head),
                     std::move(parts.tail),
                     attempt->before->revision,
                     strategy.durable,
                     change.guards};
  commit_write(change.backend, change.call, std::move(write),
               [attempt, removes](Result<store::ObjectRef> done) {
                 const bool may_repeat = attempt->update.expected == 0;
                 if (!done)
                   return give_up(attempt, done.error(), may_repeat && done.error().is("Conflict"));
                 attempt->change.done(true);
                 finish(attempt, removes, *done);
               });
}

// Its companions first.
void write_all(const AttemptRef& attempt) {
  if (attempt->change.companions.empty()) return write(attempt);
  make_companions(attempt->change, [attempt](const Result<void>& made) {
    if (!made) return give_up(attempt, made.error(), made.error().is("Conflict"));
    write(attempt);
  });
}

// A dry run ends where something would be written.
void commit(const AttemptRef& attempt) {
  attempt->kept = attempt->object;
  in_stored_version(attempt->backend, attempt->call, attempt->arena, attempt->kept,
                    [attempt](const Result<void>& ok) {
                      if (!ok) return attempt->fail(ok.error());
                      if (!attempt->change.dry_run) return write_all(attempt);
                      attempt->change.done(false);
                      answer_written(attempt,
                                     unstored(attempt->key, api::to_json_text(attempt->kept)));
                    });
}

// The last stage: everyone has agreed.
void settle(const AttemptRef& attempt) {
  Change& change = attempt->change;
  if (change.storage.custom == nullptr) {
    api::forget_empty_lists(attempt->object, *change.storage.type);
  }
  if (is_unchanged(attempt->object, attempt->old)) {
    change.done(false);
    return attempt->answer(attempt->before);
  }
  commit(attempt);
}

// Admission sees a Scale where the client sent one.
void show(Attempt& attempt) {
  const Update& update = attempt.update;
  if (!update.show) return;
  attempt.shown = update.show(attempt.arena, attempt.object);
  attempt.shown_old = update.show(attempt.arena, attempt.old);
  attempt.admission.object = &attempt.shown;
  attempt.admission.old = &attempt.shown_old;
  attempt.admission.own_kind = attempt.call->subresource;
}

// From the object as the client wants it to the one that is stored.
void pass_through(const AttemptRef& attempt) {
  Change& change = attempt->change;
  keep_system_fields(change, attempt->object, attempt->old);
  const bool is_tracked = attempt->update.ownership == Ownership::kTracked;
  // Who writes the status of a custom object is told to manage all that he would have changed.
  const bool is_early = change.storage.custom != nullptr && change.subresource == "status";
  if (is_tracked && is_early) track_ownership(change, attempt->object, &attempt->old);
  keep_other_half(change, attempt->object, attempt->old);
  // What a patch comes to is only looked at after admission.
  if (attempt->call->info.verb == "update") {
    drop_repeated_owners(change, attempt->object, OwnersFrom::kClient);
  }
  if (is_tracked && !is_early) track_ownership(change, attempt->object, &attempt->old);
  if (attempt->update.is_admitted) {
    if (auto ok = prepare(*attempt); !ok) return attempt->fail(ok.error());
    return settle(attempt);
  }
  show(*attempt);
  const AdmissionRequestRef request(attempt, &attempt->admission);
  const AdmissionChain& chain = attempt->backend->admission;
  chain.mutate(request, [attempt, request, &chain](Result<void> ok) {
    if (attempt->update.take)
      attempt->update.take(attempt->change, attempt->shown, attempt->object);
    // Who is asked may change no more than the client may.
    if (attempt->admission.was_changed && attempt->admission.object == &attempt->object) {
      keep_system_fields(attempt->change, attempt->object, attempt->old);
      keep_other_half(attempt->change, attempt->object, attempt->old);
    }
    if (ok) ok = prepare(*attempt);
    if (!ok) return attempt->fail(ok.error());
    chain.validate(request, [attempt](const Result<void>& agreed) {
      if (!agreed) return attempt->fail(agreed.error());
      settle(attempt);
    });
  });
}

// From what is there.
void begin(const AttemptRef& attempt) {
  auto old = stored_tree(attempt->arena, *attempt->before, *attempt->call->storage);
  if (!old) return answer_error(*attempt->call, old.error());
  attempt->old = *old;
  attempt->object = api::copy_nodes(attempt->arena, *old);
  auto ok = attempt->update.apply(attempt->change, attempt->object, attempt->old);
  if (!ok) return attempt->fail(ok.error());
  pass_through(attempt);
}

}  // namespace

void run_update(const BackendRef& backend, const CallRef& call, store::Key key, Update update,
                int number) {
  auto attempt =
      std::make_shared<Attempt>(backend, call, std::move(key), std::move(update), number);
  Change& change = attempt->change;
  change.dry_run = is_dry_run(*call);
  auto before = backend->store().get(attempt->key);
  const std::string& uid = attempt->update.uid;
  const std::string there = before ? (*before)->uid : "";
  const bool is_looked_at = before || attempt->update.missing;
  if (is_looked_at && !uid.empty() && uid != there) {
    return answer_error(*call, other_uid(*call, attempt->key, uid, there).error());
  }
  if (!before) {
    if (attempt->update.missing) return attempt->update.missing();
    return answer_error(
        *call, errors::not_found(resource_text(*call->resource), attempt->key.name).error());
  }
  attempt->before = std::move(*before);
  if (attempt->update.expected != 0 && attempt->update.expected != attempt->before->revision) {
    return answer_error(
        *call, write_error(*call, errors::conflict("", "", "").error(), attempt->key.name));
  }
  in_requested_version(backend, call, attempt->before, [attempt](Result<store::ObjectRef> shown) {
    if (!shown) return attempt->fail(shown.error());
    attempt->before = std::move(*shown);
    begin(attempt);
  });
}

void if_may_create(const BackendRef& backend, const CallRef& call, std::function<void()> then) {
  Attributes wanted = attributes_of(*call);
  wanted.verb = "create";
  backend->authorization->ask(call->user, wanted,
                              [call, wanted, then = std::move(then)](const Decision& decision) {
                                if (decision.verdict == Verdict::kAllow) return then();
                                answer_error(*call, forbidden_error(call->user, wanted, decision));
                              });
}

Result<void> check_sent_revision(const Call& call, const api::Value& sent, const api::Value& old) {
  const std::string_view text = meta_text(sent, "resourceVersion");
  const auto revision = parse_revision(text);
  if (!revision) return errors::unexplained(not_a_number("ParseUint", text));
  if (*revision == 0) {
    if (!strategy_for(*call.storage).must_name_revision) return {};
    return errors::invalid(
        resource_text(*call.resource), call.info.name,
        {cause::invalid("metadata.resourceVersion", "0", "must be specified for an update")});
  }
  const auto current = parse_revision(meta_text(old, "resourceVersion"));
  if (current && *current == *revision) return {};
  return std::unexpected(write_error(call, errors::conflict("", "", "").error(), call.info.name));
}

namespace {

// The update that a PUT asks for. The body is read once; each attempt works on a copy.
Result<Update> put_update(const BackendRef& backend, const CallRef& call) {
  struct Held {
    api::Arena arena{16 << 10};
    api::Value body;
  };
  auto held = std::make_shared<Held>();
  auto body = read_object(*call, held->arena, *call->resource);
  if (!body) return std::unexpected(std::move(body.error()));
  if (auto ok = check_place(*call, *body); !ok) return std::unexpected(std::move(ok.error()));
  held->body = *body;
  Update update;
  update.subresource = call->info.subresource;
  update.apply = [call, held](Change& change, api::Value& object,
                              const api::Value& old) -> Result<void> {
    if (auto ok = check_sent_revision(*call, held->body, old); !ok) return ok;
    object = api::copy_nodes(change.arena, held->body);
    return {};
  };
  update.uid = meta_text(held->body, "uid");
  const auto revision = parse_revision(meta_text(held->body, "resourceVersion"));
  if (revision) update.expected = *revision;
  const bool creates =
      strategy_for(*call->storage).create_on_update && call->info.subresource.empty();
  if (creates) {
    update.missing = [backend, call] {
      if_may_create(backend, call, [backend, call] { create_object(backend, call); });
    };
  }
  return update;
}

Result<Update> patch_update(const CallRef& call) {
  auto patch = Patch::parse(*call);
  if (!patch) return std::unexpected(std::move(patch.error()));
  auto held = std::make_shared<Patch>(std::move(*patch));
  Update update;
  update.subresource = call->info.subresource;
  update.apply = [call, held](Change& change, api::Value& object,
                              const api::Value& old) -> Result<void> {
    const api::ResourceInfo& resource = *call->resource;
    if (auto ok = convert(change.arena, object, *call->storage, resource); !ok) return ok;
    auto patched = held->apply(change.arena, object, *resource.type);
    if (!patched) return std::unexpected(std::move(patched.error()));
    object = *patched;
    const auto refuse = [&](Error why) -> Result<void> {
      api::Value unpatched = api::copy_nodes(change.arena, old);
      if (auto ok = convert(change.arena, unpatched, *call->storage, resource); !ok) return ok;
      return held->refusal(change.arena, unpatched, *resource.type, std::move(why));
    };
    if (auto ok = check_group_version_kind(
            change.arena, object, group_version(resource.group, resource.version), resource.kind);
        !ok) {
      return refuse(std::move(ok.error()));
    }
    call->warnings.clear();
    if (auto ok = check_object(*call, change.arena, object, resource, {}, held->problems()); !ok) {
      return refuse(std::move(ok.error()));
    }
    if (auto ok = check_place(*call, object); !ok) return ok;
    if (auto ok = check_sent_revision(*call, object, old); !ok) return ok;
    apply_defaults(change.arena, object, resource);
    return convert(change.arena, object, resource, *call->storage);
  };
  return update;
}

}  // namespace

void answer_unread(const BackendRef& backend, const CallRef& call, const Error& why) {
  // What an apply to the object itself finds missing is made.
  const bool is_needed = !is_apply_patch(*call) || !call->info.subresource.empty();
  if (why.code != 400 || !is_needed || backend->store().get(key_of(*call))) {
    return answer_error(*call, why);
  }
  answer_error(*call, errors::not_found(resource_text(*call->resource), call->info.name).error());
}

void update_object(const BackendRef& backend, const CallRef& call) {
  if (call->info.subresource == "scale") return update_scale(backend, call);
  const bool is_patch = call->info.verb == "patch";
  if (is_patch && is_apply_patch(*call)) {
    auto update = apply_update(backend, call);
    if (!update) return answer_unread(backend, call, update.error());
    return run_update(backend, call, key_of(*call), std::move(*update));
  }
  auto valid = is_patch ? Patch::check_media(*call) : Result<void>();
  if (valid) valid = check_write_options(*call, is_patch ? WriteKind::kPatch : WriteKind::kUpdate);
  if (!valid) return answer_error(*call, valid.error());
  auto update = is_patch ? patch_update(call) : put_update(backend, call);
  if (!update && is_patch) return answer_unread(backend, call, update.error());
  if (!update) return answer_error(*call, update.error());
  run_update(backend, call, key_of(*call), std::move(*update));
}

}  // namespace pinnace::apiserver
