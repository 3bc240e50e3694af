// History is what readers of a store see: the live objects of every resource, their latest events,
// and the watchers that move along those.
//
// Threads: reading methods from any thread; `load` before all others; `publish` and `replace` from
//   one writer. Readers wait only while a batch is put in place, in memory.
// Memory: what has not changed for the latest kUnpackedEvents events of its resource is packed
//   (packing.h), kPackedAtOnce objects at a time.
// Lifetime: shared with its watchers, which may outlive the store.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/event_ring.h"
#include "store/object_table.h"
#include "store/record.h"
#include "store/rw_lock.h"
#include "store/store.h"

namespace pinnace::store {

class WatcherState;

inline constexpr std::size_t kUnpackedEvents = 64;
inline constexpr std::size_t kPackedAtOnce = 32;

class History : public std::enable_shared_from_this<History> {
 public:
  struct Limits {
    std::size_t max_events;  // per resource
    std::size_t max_bytes;   // per resource
  };
  explicit History(Limits limits) : limits_(limits) {}

  // What was found at the start.
  struct Loaded {
    struct Resource {
      std::vector<ObjectRef> live;  // in key order
      std::vector<Event> events;    // in revision order, all above `floor`
      Revision floor = 0;
    };
    std::unordered_map<std::string, Resource> resources;
    std::vector<LostRange> lost;
    Revision revision = 0;
  };
  void load(Loaded loaded);
  // The same when there were readers before, for a store that has missed events: all that is there
  // changes, and watchers find themselves Expired.
  void replace(Loaded loaded);

  // What the journal need not keep any more, once the events are published.
  struct Dropped {
    std::vector<Revision> records;
    std::vector<std::pair<std::string, Revision>> floors;
  };
  // Makes events visible, all at once, and wakes the watchers that they concern. The revision
  // becomes that of the last event, or `through` if that is later.
  Dropped publish(const std::vector<Event>& events, Revision through = 0);
  // The same in two steps, for a writer that answers when the events are visible: those who wait
  // for their answers do not wait for a crowd of watchers and for packing too.
  class Aftermath;
  Dropped show(const std::vector<Event>& events, Aftermath& aftermath, Revision through = 0);
  void finish(Aftermath aftermath);

  ObjectRef find(const Key& key) const;
  // What the write of this revision made; null when its event is not kept any more.
  ObjectRef find_event(std::string_view resource, Revision revision) const;
  Result<Snapshot> list(std::string_view resource, std::string_view ns,
                        std::string_view start_after, std::size_t limit, Revision at) const;
  std::size_t count(std::string_view resource) const;
  Revision revision() const { return revision_.load(std::memory_order_acquire); }
  Result<std::unique_ptr<Watcher>> watch(std::string_view resource, std::string_view ns,
                                         Revision after, std::function<void()> wake);

 private:
  friend class HistoryWatcher;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  using Watchers = std::vector<std::shared_ptr<WatcherState>>;
  struct Resource {
    ObjectTable objects;
    EventRing ring;
    EventRing::Sequence quiet_end = 0;  // Objects of events before it were packed, or will not be.
    // By namespace; "" watches all of them.
    std::unordered_map<std::string, Watchers, Hash, std::equal_to<>> watchers;
  };
  // Both need the lock; `resource` makes it, `find_resource` gives null.
  Resource& resource(std::string_view name);
  const Resource* find_resource(std::string_view name) const;
  Result<void> check_reach(const Resource& resource, Revision revision) const;
  // The objects of events that are not among the latest any more, when there are enough of them.
  // Needs the lock.
  static std::vector<ObjectRef> take_quiet(Resource& resource);
  // Packs those that live. The writer's: others only read meanwhile.
  void pack(Resource& resource, std::vector<ObjectRef> objects);
  void arm(Resource& resource, std::string_view ns, EventRing::Sequence sequence,
           Watchers& to_wake);
  void remove(const std::shared_ptr<WatcherState>& watcher, Resource& resource,
              const std::string& ns);

  using Quiet = std::vector<std::pair<Resource*, std::vector<ObjectRef>>>;

  const Limits limits_;
  mutable RwLock lock_;
  std::unordered_map<std::string, std::unique_ptr<Resource>, Hash, std::equal_to<>> resources_;
  std::vector<LostRange> lost_;
  std::atomic<Revision> revision_{1};  // Written with the lock held.
};

class History::Aftermath {
  friend class History;
  Watchers to_wake_;
  Quiet to_pack_;
};

}  // namespace pinnace::store
