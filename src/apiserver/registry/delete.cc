// DELETE: at once, after a grace period, or when the last finalizer is gone.
#include <algorithm>
#include <optional>

#include "api/json.h"
#include "api/object_codec.h"
#include "apiserver/admission/admission.h"
#include "apiserver/audit/auditor.h"
#include "apiserver/custom/conversion.h"
#include "apiserver/http/status.h"
#include "apiserver/registry/commit.h"
#include "apiserver/registry/companions.h"
#include "apiserver/registry/object_codec.h"
#include "apiserver/registry/object_meta.h"
#include "apiserver/registry/page.h"
#include "apiserver/registry/stored_json.h"
#include "apiserver/registry/write_options.h"
#include "base/strings.h"

namespace pinnace::apiserver {
namespace {

constexpr int kMaxAttempts = 8;
constexpr std::string_view kOrphan = "orphan";
constexpr std::string_view kForeground = "foregroundDeletion";
// Where Kubernetes says what DeleteOptions are.
constexpr std::string_view kScheme = "pkg/apis/meta/internalversion/scheme/register.go:27";

void set_finalizer(api::Arena& arena, api::Value& object, std::string_view name, bool wanted) {
  api::Value& meta = meta_of(arena, object);
  api::Value kept = api::Value::array();
  if (const auto* list = meta.find("finalizers"); list != nullptr && list->is_array()) {
    for (const auto& item : list->items()) {
      if (!(item.is_string() && item.as_string() == name)) kept.append(arena, item);
    }
  }
  if (wanted) kept.append(arena, api::Value::string_ref(name));
  if (kept.empty())
    meta.erase("finalizers");
  else
    meta.set_ref(arena, "finalizers", kept);
}

void apply_propagation(api::Arena& arena, api::Value& object, const std::string& propagation) {
  if (propagation.empty()) return;
  set_finalizer(arena, object, kOrphan, propagation == "Orphan");
  set_finalizer(arena, object, kForeground, propagation == "Foreground");
}

// A namespace shows that it is going.
void mark_terminating(api::Arena& arena, api::Value& object) {
  if (!has_namespace_finalizers(object)) return;
  object.ensure_object(arena, "status")
      .set_ref(arena, "phase", api::Value::string_ref("Terminating"));
}

enum class Step { kRemove, kUpdate, kWait };

// Changes `object` into what it is while it waits.
Step next_step(Backend& backend, api::Arena& arena, api::Value& object, const Strategy& strategy,
               const Deletion& deletion) {
  const bool was_going = is_being_deleted(object);
  const std::int64_t grace = strategy.grace_seconds == nullptr
                                 ? 0
                                 : strategy.grace_seconds(object, deletion.grace_seconds);
  api::Value& meta = meta_of(arena, object);
  const std::int64_t grace_before = meta.int_at("deletionGracePeriodSeconds");
  const api::Value before = api::deep_copy(arena, object);
  apply_propagation(arena, object, deletion.propagation);
  if (strategy.prepare_delete != nullptr) strategy.prepare_delete(backend, arena, object);
  const bool is_held = has_finalizers(object) || has_namespace_finalizers(object);
  if (was_going) {
    const bool shortens = grace < grace_before && (deletion.grace_seconds >= 0 || grace == 0);
    if (!is_held && (grace_before == 0 || (shortens && grace == 0))) return Step::kRemove;
    if (shortens) {
      const auto earlier = std::chrono::seconds(grace_before - grace);
      WallTime at{};
      if (parse_rfc3339(meta_text(object, "deletionTimestamp"), at)) {
        meta_of(arena, object)
            .set_ref(arena, "deletionTimestamp", api::Value::string(arena, rfc3339(at - earlier)));
      }
      meta_of(arena, object)
          .set_ref(arena, "deletionGracePeriodSeconds", api::Value::integer(grace));
    }
    return api::equal(before, object) ? Step::kWait : Step::kUpdate;
  }
  if (!is_held && grace == 0) return Step::kRemove;
  api::Value& marked = meta_of(arena, object);
  const WallTime when = backend.now() + std::chrono::seconds(grace);
  marked.set_ref(arena, "deletionTimestamp", api::Value::string(arena, rfc3339(when)));
  if (!has_namespace_finalizers(object)) {
    marked.set_ref(arena, "deletionGracePeriodSeconds", api::Value::integer(grace));
  }
  if (strategy.has_generation && marked.int_at("generation") > 0) {
    marked.set_ref(arena, "generation", api::Value::integer(marked.int_at("generation") + 1));
  }
  mark_terminating(arena, object);
  return Step::kUpdate;
}

// Namespaces and definitions say it in words of their own.
bool has_own_words(const api::ResourceInfo& resource) {
  return (resource.group.empty() && resource.name == "namespaces") ||
         resource.name == "customresourcedefinitions";
}

Result<void> check_preconditions(const Call& call, const store::Object& object,
                                 const Deletion& deletion) {
  const bool own = has_own_words(*call.resource);
  const auto check = [&](std::string_view what, const std::optional<std::string>& wanted,
                         const std::string& there, std::string_view became) -> Result<void> {
    if (!wanted || *wanted == there) return {};
    const std::string name(what);
    if (own) {
      return errors::conflict(resource_text(*call.resource), object.key.name,
                              "Precondition failed: " + name + " in precondition: " + *wanted +
                                  ", " + name + " in object meta: " + there);
    }
    return errors::conflict(kind_text(*call.resource), object.key.name,
                            "the " + name + " in the precondition (" + *wanted +
                                ") does not match the " + name + " in record (" + there +
                                "). The object might have been " + std::string(became));
  };
  auto ok = check("UID", deletion.uid, object.uid, "deleted and then recreated");
  if (!ok) return ok;
  return check("ResourceVersion", deletion.revision, std::to_string(object.revision), "modified");
}

}  // namespace

namespace {

struct DeletionAttempt {
  DeletionAttempt(BackendRef owner, CallRef from, store::Key at, Deletion what, DeletionDone then,
                  int number)
      : backend(std::move(owner)),
        call(std::move(from)),
        key(std::move(at)),
        deletion(std::move(what)),
        done(std::move(then)),
        attempt(number),
        change{*backend, *call, arena, *call->storage, key.ns, key.name, "", deletion.dry_run} {}
  BackendRef backend;
  CallRef call;
  store::Key key;
  Deletion deletion;
  DeletionDone done;
  int attempt;
  api::Arena arena{16 << 10};
  Change change;
  store::ObjectRef before;
  // In the version in which it is kept, whichever that is: no more than its metadata changes.
  api::Value object;
  api::Value shown;  // In the requested version.
  AdmissionRequest admission{change, Operation::kDelete, nullptr, &shown};

  void fail(Error error) { done(std::unexpected(std::move(error)), false); }
};
using DeletionAttemptRef = std::shared_ptr<DeletionAttempt>;

void commit(const DeletionAttemptRef& attempt, const Strategy& strategy, Step step) {
  store::Write write;
  write.type = step == Step::kRemove ? store::Write::Type::kDelete : store::Write::Type::kUpdate;
  write.key = attempt->key;
  write.uid = attempt->before->uid;
  write.expected_revision = attempt->before->revision;
  write.durable = strategy.durable;
  if (step == Step::kUpdate) {
    SplitJson parts = split_json(attempt->object);
    write.head = std::move(parts.head);
    write.tail = std::move(parts.tail);
  }
  commit_write(
      *attempt->backend, *attempt->call, std::move(write),
      [attempt, &strategy, step](Result<store::ObjectRef> written) {
        if (!written && written.error().is("Conflict") && attempt->attempt < kMaxAttempts) {
          return run_deletion(attempt->backend, attempt->call, attempt->key, attempt->deletion,
                              attempt->done, attempt->attempt + 1);
        }
        if (!written) {
          return attempt->fail(write_error(*attempt->call, written.error(), attempt->key.name));
        }
        const bool removed = step == Step::kRemove;
        std::vector<store::Key> companions;
        if (removed && strategy.companions != nullptr) {
          companions = strategy.companions(attempt->object);
        }
        remove_companions(
            attempt->backend, attempt->call, std::move(companions),
            [attempt, written = std::move(*written), removed] { attempt->done(written, removed); });
      });
}

// The last stage: everyone has agreed.
void settle(const DeletionAttemptRef& attempt) {
  const Strategy& strategy = strategy_for(*attempt->call->storage);
  const Step step =
      next_step(*attempt->backend, attempt->arena, attempt->object, strategy, attempt->deletion);
  if (attempt->deletion.dry_run && step == Step::kUpdate) {
    return attempt->done(restated(*attempt->before, attempt->object), false);
  }
  if (step == Step::kWait || attempt->deletion.dry_run) {
    return attempt->done(attempt->before, step == Step::kRemove);
  }
  commit(attempt, strategy, step);
}

Result<void> read_object(DeletionAttempt& attempt, const store::Object& shown) {
  const Call& call = *attempt.call;
  if (auto ok = check_preconditions(call, *attempt.before, attempt.deletion); !ok) return ok;
  auto object = parse_stored(attempt.arena, *attempt.before);
  if (!object) return std::unexpected(std::move(object.error()));
  attempt.object = attempt.shown = *object;
  if (call.storage->custom == nullptr) return {};
  auto tree = stored_tree(attempt.arena, shown, *call.storage);
  if (!tree) return std::unexpected(std::move(tree.error()));
  attempt.shown = *tree;
  return {};
}

void admit(const DeletionAttemptRef& attempt) {
  if (attempt->deletion.is_admitted) return settle(attempt);
  const AdmissionRequestRef request(attempt, &attempt->admission);
  const AdmissionChain& chain = attempt->backend->admission;
  chain.mutate(request, [attempt, request, &chain](Result<void> ok) {
    if (!ok) return attempt->fail(std::move(ok.error()));
    chain.validate(request, [attempt](Result<void> agreed) {
      if (!agreed) return attempt->fail(std::move(agreed.error()));
      settle(attempt);
    });
  });
}

}  // namespace

void run_deletion(const BackendRef& backend, const CallRef& call, store::Key key, Deletion deletion,
                  DeletionDone done, int number) {
  const auto attempt = std::make_shared<DeletionAttempt>(
      backend, call, std::move(key), std::move(deletion), std::move(done), number);
  auto found = backend->store().get(attempt->key);
  if (!found) {
    return attempt->fail(
        errors::not_found(resource_text(*call->resource), attempt->key.name).error());
  }
  attempt->before = std::move(*found);
  in_requested_version(backend, call, attempt->before,
                       [attempt](const Result<store::ObjectRef>& shown) {
                         Result<void> ok;
                         if (!shown)
                           ok = std::unexpected(shown.error());
                         else
                           ok = read_object(*attempt, **shown);
                         if (!ok) return attempt->fail(std::move(ok.error()));
                         admit(attempt);
                       });
}

namespace {

// What is less than nothing is the least that there is.
std::int64_t grace_of(std::int64_t said) { return said < 0 ? 1 : said; }

// What a client says of a deletion, before anybody has looked whether it may be said.
struct Wish {
  Deletion deletion;
  std::optional<bool> orphans;  // What was said before there was a propagationPolicy.
  std::vector<Cause> causes;
};

// What is wrong with the options' text, or with the type of one of them.
Unexpected unreadable(const Error& error, Media media) {
  if (error.code != 400 || media == Media::kProtobuf) return Unexpected(error);
  const std::string_view problem = api::without_place(error.message);
  const auto types = problem.find("json: ");
  if (types != std::string_view::npos) {
    return errors::bad_request(std::string(problem.substr(types)));
  }
  return errors::bad_request("couldn't get version/kind; json parse error: " +
                             std::string(problem));
}

Result<Wish> read_body(const Call& call) {
  Wish wish;
  api::Arena arena;
  auto media = body_media(call.request.headers.get("content-type"));
  if (!media) return std::unexpected(std::move(media.error()));
  const auto* type = api::builtin_schema().find_type("meta.k8s.io", "v1", "DeleteOptions");
  if (type == nullptr) return errors::internal("the schema has no DeleteOptions");
  auto body = decode_body(arena, *media, call.request.body, *type, nullptr);
  if (!body) return unreadable(body.error(), *media);
  const std::string_view kind = body->string_at("kind");
  if (!kind.empty() && kind != type->name) {
    const std::string_view version = body->string_at("apiVersion");
    return errors::bad_request("no kind " + quoted(kind) + " is registered for version " +
                               quoted(version.empty() ? "meta.k8s.io/v1" : version) +
                               " in scheme " + quoted(kScheme));
  }
  if (!body->is_null()) {
    if (auto ok = api::normalise(arena, *body, *type); !ok) return unreadable(ok.error(), *media);
    audit::take_options(call, arena, *body);
  }
  Deletion& deletion = wish.deletion;
  if (const auto* grace = body->find("gracePeriodSeconds"); grace && grace->is_int()) {
    deletion.grace_seconds = grace_of(grace->as_int());
  }
  deletion.propagation = body->string_at("propagationPolicy");
  const auto* orphan = body->find("orphanDependents");
  if (orphan != nullptr && orphan->is_bool()) wish.orphans = orphan->as_bool();
  read_preconditions(deletion, body->find("preconditions"));
  std::vector<std::string> dry_runs;
  if (const auto* said = body->find("dryRun"); said != nullptr && said->is_array()) {
    for (const auto& one : said->items()) {
      dry_runs.emplace_back(one.is_string() ? one.as_string() : std::string_view());
    }
  }
  check_dry_run(dry_runs, wish.causes);
  deletion.dry_run = !dry_runs.empty();
  return wish;
}

Result<Wish> read_query(const Call& call) {
  Wish wish;
  const Query& query = call.query;
  const auto seconds = query_integer(query, "gracePeriodSeconds");
  if (!seconds) return std::unexpected(seconds.error());
  if (*seconds) wish.deletion.grace_seconds = grace_of(**seconds);
  wish.deletion.propagation = query.get("propagationPolicy");
  if (query.has("orphanDependents")) wish.orphans = query.flag("orphanDependents");
  check_dry_run(query.get_all("dryRun"), wish.causes);
  wish.deletion.dry_run = is_dry_run(call);
  return wish;
}

}  // namespace

void read_preconditions(Deletion& deletion, const api::Value* said) {
  if (said == nullptr) return;
  const auto text_of = [&](const char* key) -> std::optional<std::string> {
    const auto* value = said->find(key);
    if (value == nullptr || !value->is_string()) return std::nullopt;
    return std::string(value->as_string());
  };
  deletion.uid = text_of("uid");
  deletion.revision = text_of("resourceVersion");
}

Result<Deletion> read_deletion(Call& call) {
  // A body counts alone: what stands in the query beside it is not looked at.
  auto wish = call.request.body.empty() ? read_query(call) : read_body(call);
  if (!wish) return std::unexpected(std::move(wish.error()));
  Deletion& deletion = wish->deletion;
  const std::string& policy = deletion.propagation;
  std::vector<Cause> causes = std::move(wish->causes);
  if (wish->orphans && !policy.empty()) {
    causes.push_back(cause::invalid("propagationPolicy", quoted(policy),
                                    "orphanDependents and deletionPropagation cannot be both set"));
  }
  if (!policy.empty() && policy != "Orphan" && policy != "Background" && policy != "Foreground") {
    causes.push_back(cause::not_supported("propagationPolicy", quoted(policy),
                                          {"Foreground", "Background", "Orphan", "nil"}));
  }
  if (!causes.empty()) {
    return errors::invalid("DeleteOptions.meta.k8s.io", "", std::move(causes));
  }
  if (wish->orphans) deletion.propagation = *wish->orphans ? "Orphan" : "Background";
  deletion.is_cascading = wish->orphans && !*wish->orphans;
  return std::move(deletion);
}

void delete_object(const BackendRef& backend, const CallRef& call) {
  auto deletion = read_deletion(*call);
  if (!deletion) return answer_error(*call, deletion.error());
  if (const auto may = strategy_for(*call->storage).may_delete; may != nullptr) {
    if (auto ok = may(call->info.name); !ok) return answer_error(*call, ok.error());
  }
  const int waiting = deletion->is_cascading ? 202 : 200;
  run_deletion(backend, call, key_of(*call), std::move(*deletion),
               [backend, call, waiting](Result<store::ObjectRef> done, bool removed) {
                 if (!done) return answer_error(*call, done.error());
                 if (!removed) return answer_converted(backend, call, waiting, *done);
                 if (strategy_for(*call->storage).returns_deleted) {
                   return answer_converted(backend, call, 200, *done);
                 }
                 answer_status(*call, 200,
                               success_json(call->resource->group, call->resource->name,
                                            (*done)->key.name, (*done)->uid));
               });
}

namespace {

// Deletes a few at a time, so that a huge collection does not fill the store's queue.
struct Collection {
  BackendRef backend;
  CallRef call;
  Deletion deletion;
  Page page;
  std::size_t next = 0;
  std::size_t running = 0;
  std::mutex mutex;
  bool is_answered = false;
  bool is_pumping = false;  // Someone is starting deletions; what ends meanwhile leaves it to him.
};

constexpr std::size_t kAtOnce = 64;

// The next object to delete, or nothing for now. The last to ask is told to answer.
store::ObjectRef take_next(Collection& all, bool& is_first, bool& answers) {
  const std::lock_guard lock(all.mutex);
  if (is_first && all.is_pumping) return nullptr;
  is_first = false;
  all.is_pumping = false;
  if (all.is_answered || all.running >= kAtOnce) return nullptr;
  if (all.next == all.page.objects.size()) {
    answers = all.running == 0;
    all.is_answered = answers;
    return nullptr;
  }
  all.is_pumping = true;
  ++all.running;
  return all.page.objects[all.next++];
}

void pump(const std::shared_ptr<Collection>& all) {
  bool is_first = true, answers = false;
  while (const auto object = take_next(*all, is_first, answers)) {
    run_deletion(all->backend, all->call, object->key, all->deletion,
                 [all](Result<store::ObjectRef> done, bool) {
                   bool fails = false;
                   {
                     const std::lock_guard lock(all->mutex);
                     --all->running;
                     fails = !done && !done.error().is("NotFound") && !all->is_answered;
                     if (fails) all->is_answered = true;
                   }
                   if (fails) return answer_error(*all->call, done.error());
                   pump(all);
                 });
  }
  if (answers) answer_page(all->call, std::move(all->page));
}

}  // namespace

void delete_collection(const BackendRef& backend, const CallRef& call) {
  auto deletion = read_deletion(*call);
  if (!deletion) return answer_error(*call, deletion.error());
  auto all = std::make_shared<Collection>();
  all->backend = backend;
  all->call = call;
  all->deletion = std::move(*deletion);
  read_page(backend, call, [all](Page page) {
    all->page = std::move(page);
    pump(all);
  });
}

}  // namespace pinnace::apiserver
