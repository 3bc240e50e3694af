// The generic verbs on every stored resource. Each takes a Call that is authorised, and answers it.
//
// Threads: on the loop of the request's connection; those of a caller in the process end on the
//   store's writer thread.
// Source: kubernetes.io/docs/reference/using-api/api-concepts.
#pragma once

#include <functional>
#include <optional>

#include "apiserver/backend.h"
#include "apiserver/http/call.h"
#include "apiserver/strategies/strategy.h"

namespace pinnace::apiserver {

// The resource in whose version objects of `resource` are kept; nullptr if they are not kept.
const api::ResourceInfo* storage_of(const api::ResourceInfo& resource);
store::Key key_of(const Call& call);

// Who manages the fields that a write changes.
enum class Ownership {
  kTracked,    // The writer; metadata.managedFields is the client's as far as he may say.
  kSettled,    // metadata.managedFields says it already.
  kUntouched,  // Nobody: what there is stays.
};

void get_object(const BackendRef& backend, const CallRef& call);
void list_objects(const BackendRef& backend, const CallRef& call);
void watch_objects(const BackendRef& backend, const CallRef& call);
void create_object(const BackendRef& backend, const CallRef& call);
// As `create_object`, of what `make` gives in the storage version instead of the body.
struct Making {
  std::function<Result<api::Value>(Change&)> make;
  Ownership ownership = Ownership::kTracked;
  // What to do when somebody else was faster; by default 409.
  std::function<void()> taken;
  int attempt = 1;  // It begins anew when other servers changed what it was decided by.
};
void create_made(const BackendRef& backend, const CallRef& call, Making making);
// PUT and PATCH, of the object or of a subresource that is a view of it (status, scale, finalize).
void update_object(const BackendRef& backend, const CallRef& call);
void delete_object(const BackendRef& backend, const CallRef& call);
void delete_collection(const BackendRef& backend, const CallRef& call);
void get_scale(const BackendRef& backend, const CallRef& call);

// What changes an object that exists. `object` comes in the storage version and may be changed in
// place; an Error ends the request. It may run again, on a newer object, after a conflict.
struct Update {
  std::string subresource;
  std::function<Result<void>(Change&, api::Value& object, const api::Value& old)> apply;
  // A uid and a resourceVersion that must still be the object's; "" and 0: any.
  std::string uid;
  store::Revision expected = 0;
  // How to answer; by default with the object.
  std::function<void(Call&, const store::ObjectRef&)> answer;
  // What to do when there is no such object; by default 404.
  std::function<void()> missing;
  // Where the subresource has a kind of its own: how the object looks in it, and how what admission
  // made of that comes back into the object.
  std::function<api::Value(api::Arena&, const api::Value& object)> show;
  std::function<void(Change&, const api::Value& shown, api::Value& object)> take;
  // Admission has agreed to what the client sent; it is not asked about the object.
  bool is_admitted = false;
  Ownership ownership = Ownership::kTracked;
};
void run_update(const BackendRef& backend, const CallRef& call, store::Key key, Update update,
                int attempt = 0);

// The answer to a patch that could not be read: where there is nothing to patch, that is told.
void answer_unread(const BackendRef& backend, const CallRef& call, const Error& why);

// Deletion with options that are known already; for DELETE, eviction and collections.
struct Deletion {
  std::int64_t grace_seconds = -1;           // -1: as the kind likes it.
  std::string propagation;                   // "", "Background", "Foreground", "Orphan"
  std::optional<std::string> uid, revision;  // preconditions
  bool dry_run = false;
  bool is_cascading = false;  // By orphanDependents: who must wait for it is told 202.
  bool is_admitted = false;   // As in Update.
};
Result<Deletion> read_deletion(Call& call);
// From DeleteOptions.preconditions; `said` may be nullptr.
void read_preconditions(Deletion& deletion, const api::Value* said);
// `removed`: the object is gone now; else it waits for its grace period or finalizers.
using DeletionDone = std::function<void(Result<store::ObjectRef>, bool removed)>;
void run_deletion(const BackendRef& backend, const CallRef& call, store::Key key, Deletion deletion,
                  DeletionDone done, int attempt = 0);

// For a change of what is not there: goes on if the user may make it, else answers 403.
void if_may_create(const BackendRef& backend, const CallRef& call, std::function<void()> then);
// A resourceVersion in what a client sent is a precondition.
Result<void> check_sent_revision(const Call& call, const api::Value& sent, const api::Value& old);

// The store's answer to a write, in terms of what was written.
Error write_error(const Call& call, Error error, const std::string& name);
store::ObjectRef unstored(const store::Key& key, std::string json);

// "42" as a revision; for what is none Kubernetes' words without a reason.
Result<store::Revision> parse_revision(std::string_view text);

}  // namespace pinnace::apiserver
