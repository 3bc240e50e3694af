// Store keeps every API object, numbers every change, and tells watchers of each in order.
//
// Promises (etcd's, under one interface): one global revision that only grows; linearizable reads
//   and writes (see `when_current`); a watch is ordered, unique, gapless and resumable from a
//   revision, or says that it is too late (Expired).
// Shape: an object is its JSON in the storage version without metadata.resourceVersion; the store
//   splices the revision in, once, so that readers share finished bytes. What has not changed for a
//   while is packed (packing.h): the same version may come as another Object then.
// Threads: all methods from any thread. Callbacks run on the store's writer thread and must be
//   short; they must not call back into a write and wait for it.
// Source: etcd API guarantees (etcd.io/docs, "KV API guarantees").
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "store/object_json.h"

namespace pinnace::store {

using Revision = std::uint64_t;

// Where an object stands. `resource` is api::ResourceInfo::storage_resource ("apps/deployments"),
// `ns` is empty for cluster scope.
struct Key {
  std::string resource;
  std::string ns;
  std::string name;
  auto operator<=>(const Key&) const = default;
};

// One version of one object; immutable and shared.
struct Object {
  Key key;
  std::string uid;
  Revision revision = 0;  // metadata.resourceVersion of these bytes.
  Revision created_revision = 0;
  ObjectJson json;  // Finished: resourceVersion is inside.
  // Where in `json` the member "resourceVersion" begins.
  std::uint32_t revision_offset = 0;
  // Where the value of metadata.labels does, once a reader has looked for it; kNoLabels: nowhere.
  static constexpr std::uint32_t kLabelsUnknown = 0, kNoLabels = 1;
  mutable std::atomic<std::uint32_t> labels_offset = kLabelsUnknown;
  // Derived forms that readers made of `json` (protobuf, parsed labels): made at most once, shared
  // by all, freed with the object. `derived` is null until someone sets it.
  mutable std::atomic<std::shared_ptr<const void>> derived;
};
using ObjectRef = std::shared_ptr<const Object>;

struct Event {
  enum class Type : std::uint8_t { kAdded, kModified, kDeleted };
  Type type;
  Revision revision;
  ObjectRef object;    // For kDeleted: the last state, with the revision of the deletion.
  ObjectRef previous;  // What it was before; null for kAdded.
};

// Something that writers of several objects decide about together, such as who gets an address.
struct Guard {
  std::string name;
  Revision seen = 0;  // The store's revision before the writer looked at what it decided by.
};

// A write that happens only if nobody was faster.
struct Write {
  enum class Type : std::uint8_t { kCreate, kUpdate, kDelete };
  Type type;
  Key key;
  std::string uid;  // Of the object that is written.
  // kCreate, kUpdate: JSON without resourceVersion, in two parts; the store writes
  // `head` + `"resourceVersion":"N"` + `tail`. For kDelete `head`/`tail` give the last state that
  // watchers see; empty: the stored one.
  std::string head, tail;
  Revision expected_revision = 0;  // kUpdate, kDelete: the current revision must be this one.
  // False for what may be lost with the machine's power (Events, Leases): not synced at once.
  bool durable = true;
  // The write is a Conflict if another process wrote under one of these after it was seen. Writers
  // in one process know of one another; a store that is always current does not look.
  std::vector<Guard> guards;
};

// 504: `wanted` is not reached yet.
Unexpected too_large_revision(Revision wanted, Revision current);

// Moves over one resource's events. Each Watcher belongs to one reader.
class Watcher {
 public:
  virtual ~Watcher() = default;  // After it returns, `wake` is not called any more.
  // Appends events that are there now, at most `max`. Expired when the ring has passed this cursor.
  // When `max` were given there may be more: ask again.
  virtual Result<void> next(std::vector<Event>& out, std::size_t max) = 0;
  // All events up to this revision have been given by `next` (or do not concern this watcher).
  // For bookmarks.
  virtual Revision position() const = 0;
};

struct Snapshot {
  Revision revision = 0;           // The list's resourceVersion.
  std::vector<ObjectRef> objects;  // In key order.
  bool more = false;               // `limit` cut it.
  std::uint64_t remaining = 0;     // How many are after the cut.
};

class Store {
 public:
  using Done = std::function<void(Result<ObjectRef>)>;
  using Ready = std::function<void(Result<void>)>;
  virtual ~Store() = default;

  // Whether a read never misses a write that was acknowledged before, whoever made it. A store that
  // shares its objects with other processes says no: its readers wait for `when_current` first.
  virtual bool is_always_current() const { return true; }
  // Calls `ready` when reads have every write that was acknowledged before this call; 503 or 504
  // when nobody can say. Many calls share one question.
  virtual void when_current(Ready ready) { ready({}); }

  // NotFound has an empty message: the caller knows how to name the object.
  virtual Result<ObjectRef> get(const Key& key) const = 0;
  // Objects of a resource, in one namespace or (ns empty) in all, after `start_after` (exclusive,
  // "ns/name" or "name"; empty: from the start). `at` 0: now; else exactly that revision, or
  // Expired when the ring no longer reaches back to it. `limit` 0: all.
  virtual Result<Snapshot> list(std::string_view resource, std::string_view ns,
                                std::string_view start_after = {}, std::size_t limit = 0,
                                Revision at = 0) const = 0;
  virtual std::size_t count(std::string_view resource) const = 0;
  virtual Revision revision() const = 0;

  // Calls `done` once the write is durable and visible, or with AlreadyExists, NotFound, Conflict
  // (expected_revision differs), or 503 when the queue is full. kDelete gives the deleted object.
  virtual void commit(Write write, Done done) = 0;
  // Waits for it. Not on the writer thread.
  Result<ObjectRef> commit_and_wait(Write write);

  // Writes again what is kept otherwise than the store's Transformer would keep it now (with an old
  // key, or plain); returns when nothing of that is left. Blocks; not on the writer thread.
  virtual Result<void> reseal() = 0;

  // Events of a resource with revision > `after`. `wake` is called (any thread, may be spurious)
  // when `next` may have more. Expired when the ring no longer has them.
  virtual Result<std::unique_ptr<Watcher>> watch(std::string_view resource, std::string_view ns,
                                                 Revision after, std::function<void()> wake) = 0;
};

}  // namespace pinnace::store
