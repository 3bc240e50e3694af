// A Strategy is what one kind does differently on its way into the store. All work on the storage
// version, so that there is one for all versions of a kind.
//
// Why a table: the generic path asks it, and nothing else, what a kind wants.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "api/names.h"
#include "api/schema.h"
#include "api/value.h"
#include "apiserver/http/call.h"
#include "base/error.h"

namespace pinnace::apiserver {

struct Backend;

// One write on its way.
struct Change {
  Backend& backend;
  Call& call;
  api::Arena& arena;
  const api::ResourceInfo& storage;
  std::string ns, name;  // The name is "" while admission may change an object that gets one.
  std::string subresource;
  bool dry_run = false;
  const api::Value* old = nullptr;  // The object as it was; null at creation.
  std::string name_prefix;          // What the name is to begin with.
  // What is wrong with the object; anything here makes the write a 422.
  std::vector<Cause> causes;
  // What was decided by looking at other objects: the write is tried anew if they have changed.
  std::vector<store::Guard> guards;
  // See registry/companions.h: those of what the object gets, those of them that were made, and
  // those of what it has no more.
  std::vector<store::Write> companions;
  std::vector<store::ObjectRef> made;
  std::vector<store::Key> outdated;
  // Told at the end whether the write took place; gives back what was allocated.
  std::vector<std::function<void(bool kept)>> finish;

  // Told to the client beside the answer, once; no more than 4 KiB in all.
  void warn(std::string text);
  api::Value text(std::string_view value) { return api::Value::string(arena, value); }
  void done(bool kept) {
    for (auto& hook : finish) hook(kept);
    finish.clear();
  }
};

struct Strategy {
  std::string_view storage_resource;
  api::Complaints (*check_name)(std::string_view) = api::check_dns1123_subdomain;
  bool has_generation = false;      // metadata.generation counts changes of the spec.
  bool generation_stays = false;    // It is 1 for good.
  bool counts_annotations = false;  // And of the annotations.
  bool counts_labels = false;       // And of the labels.
  bool create_on_update = false;    // PUT of what is not there makes it.
  bool returns_deleted = false;     // DELETE answers with the object instead of a Status.
  bool keeps_status = false;        // What a client says of the status when it creates one counts.
  bool durable = true;              // See store::Write.
  bool must_name_revision = false;  // A PUT says which resourceVersion it replaces.
  // Clear what clients may not say and fill in what the server decides. An Error ends the request.
  Result<void> (*prepare_create)(Change&, api::Value& object) = nullptr;
  Result<void> (*prepare_update)(Change&, api::Value& object, const api::Value& old) = nullptr;
  // Add to `change.causes`. An update asks `validate` first, then `validate_update`; one of the
  // status asks `validate_status` alone.
  void (*validate)(Change&, const api::Value& object) = nullptr;
  void (*validate_update)(Change&, const api::Value& object, const api::Value& old) = nullptr;
  void (*validate_status)(Change&, const api::Value& object, const api::Value& old) = nullptr;
  // Says what is odd about an object that is valid, by `change.warn`. `old` is null at creation.
  void (*warn)(Change&, const api::Value& object, const api::Value* old) = nullptr;
  // The same of an update of the status.
  void (*warn_status)(Change&, const api::Value& object, const api::Value* old) = nullptr;
  // Takes what only one object may hold and registers in `change.finish` how to give it back. `old`
  // is null at creation. An object that is wrong already may be told of what it cannot hold alone:
  // `change.causes` says what is wrong; an Error ends the request.
  Result<void> (*claim)(Change&, api::Value& object, const api::Value* old) = nullptr;
  // Refuses the DELETE of one object; a collection goes without being asked.
  Result<void> (*may_delete)(std::string_view name) = nullptr;
  // Seconds to leave an object before it goes; `asked` < 0: the client did not say.
  std::int64_t (*grace_seconds)(const api::Value& object, std::int64_t asked) = nullptr;
  // DELETE has marked the object, or is about to remove it; a finalizer added here keeps it.
  void (*prepare_delete)(Backend&, api::Arena&, api::Value& object) = nullptr;
  // What goes with it; see registry/companions.h.
  std::vector<store::Key> (*companions)(const api::Value& object) = nullptr;
};

const Strategy& strategy_for(std::string_view storage_resource);
// Of any resource, custom ones too.
const Strategy& strategy_for(const api::ResourceInfo& storage);

}  // namespace pinnace::apiserver
