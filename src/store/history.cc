#include "store/history.h"

#include <algorithm>
#include <map>
#include <shared_mutex>

#include "io/wake_batch.h"
#include "store/packing.h"
#include "store/past.h"
#include "store/watcher.h"

namespace pinnace::store {

void History::load(Loaded loaded) {
  Quiet to_pack;
  {
    const std::lock_guard lock(lock_);
    for (auto& [name, found] : loaded.resources) {
      Resource& made = resource(name);
      made.objects.assign(found.live);
      made.ring.set_floor(found.floor);
      for (auto& event : found.events) made.ring.push(std::move(event));
      to_pack.emplace_back(&made, std::move(found.live));
    }
    lost_ = std::move(loaded.lost);
    revision_.store(loaded.revision, std::memory_order_release);
  }
  for (auto& [resource, objects] : to_pack) pack(*resource, std::move(objects));
}

void History::replace(Loaded loaded) {
  Watchers to_wake;
  Quiet to_pack;
  {
    const std::lock_guard lock(lock_);
    for (auto& [name, known] : resources_) {
      for (auto& [ns, watchers] : known->watchers) {
        for (const auto& watcher : watchers) {
          watcher->pending = true;
          if (std::exchange(watcher->armed, false)) to_wake.push_back(watcher);
        }
      }
      known->objects.assign({});
      known->ring.clear(loaded.revision);
    }
    for (auto& [name, found] : loaded.resources) {
      Resource& made = resource(name);
      made.objects.assign(found.live);
      to_pack.emplace_back(&made, std::move(found.live));
    }
    lost_ = std::move(loaded.lost);
    revision_.store(loaded.revision, std::memory_order_release);
  }
  for (const auto& watcher : to_wake) watcher->call_wake();
  for (auto& [resource, objects] : to_pack) pack(*resource, std::move(objects));
}

History::Resource& History::resource(std::string_view name) {
  auto found = resources_.find(name);
  if (found == resources_.end()) {
    found = resources_.emplace(std::string(name), std::make_unique<Resource>()).first;
  }
  return *found->second;
}

const History::Resource* History::find_resource(std::string_view name) const {
  const auto found = resources_.find(name);
  return found == resources_.end() ? nullptr : found->second.get();
}

History::Dropped History::publish(const std::vector<Event>& events, Revision through) {
  Aftermath aftermath;
  Dropped dropped = show(events, aftermath, through);
  finish(std::move(aftermath));
  return dropped;
}

History::Dropped History::show(const std::vector<Event>& events, Aftermath& aftermath,
                               Revision through) {
  Dropped dropped;
  const std::lock_guard lock(lock_);
  std::string_view last_name;
  Resource* last = nullptr;
  for (const Event& event : events) {
    const Key& key = event.object->key;
    if (last == nullptr || key.resource != last_name) {
      last = &resource(key.resource);
      last_name = key.resource;
    }
    if (event.type == Event::Type::kDeleted) {
      last->objects.erase(key.ns, key.name);
    } else {
      last->objects.put(event.object);
    }
    last->ring.push(event);
    if (auto quiet = take_quiet(*last); !quiet.empty()) {
      aftermath.to_pack_.emplace_back(last, std::move(quiet));
    }
    if (!last->watchers.empty()) {
      arm(*last, "", last->ring.end() - 1, aftermath.to_wake_);
      if (!key.ns.empty()) arm(*last, key.ns, last->ring.end() - 1, aftermath.to_wake_);
    }
    const std::size_t before = dropped.records.size();
    const Revision floor = last->ring.floor();
    last->ring.trim(limits_.max_events, limits_.max_bytes, [&](const Event& old) {
      if (old.previous) dropped.records.push_back(old.previous->revision);
      if (old.type == Event::Type::kDeleted) dropped.records.push_back(old.revision);
    });
    if (last->ring.floor() != floor || dropped.records.size() != before) {
      dropped.floors.emplace_back(key.resource, last->ring.floor());
    }
  }
  if (!events.empty()) through = std::max(through, events.back().revision);
  if (through > revision()) revision_.store(through, std::memory_order_release);
  return dropped;
}

void History::finish(Aftermath aftermath) {
  {
    const io::WakeBatch together;
    for (const auto& watcher : aftermath.to_wake_) watcher->call_wake();
  }
  for (auto& [resource, objects] : aftermath.to_pack_) pack(*resource, std::move(objects));
}

std::vector<ObjectRef> History::take_quiet(Resource& resource) {
  const EventRing& ring = resource.ring;
  std::vector<ObjectRef> quiet;
  if (ring.end() < resource.quiet_end + kUnpackedEvents + kPackedAtOnce) return quiet;
  const auto begin = std::max(resource.quiet_end, ring.first());
  resource.quiet_end = ring.end() - kUnpackedEvents;
  for (auto at = begin; at < resource.quiet_end; ++at) {
    const Event& event = ring.at(at);
    if (event.type != Event::Type::kDeleted) quiet.push_back(event.object);
  }
  return quiet;
}

void History::pack(Resource& resource, std::vector<ObjectRef> objects) {
  std::ranges::sort(objects, {}, [](const ObjectRef& each) -> const Key& { return each->key; });
  Packer packer(resource.objects);
  for (ObjectRef& object : objects) {
    ObjectRef packed = packer.pack(object);
    if (!packed) continue;
    const std::lock_guard lock(lock_);
    EventRing& ring = resource.ring;
    const auto sequence = ring.first_after(object->revision - 1);
    if (sequence != ring.end() && ring.at(sequence).object == object) {
      ring.set_object(sequence, packed);
    }
    resource.objects.put(std::move(packed));
  }
}

void History::arm(Resource& resource, std::string_view ns, EventRing::Sequence sequence,
                  Watchers& to_wake) {
  const auto found = resource.watchers.find(ns);
  if (found == resource.watchers.end()) return;
  for (const auto& watcher : found->second) {
    if (!watcher->pending) {
      watcher->pending = true;
      watcher->cursor = sequence;
    }
    if (watcher->armed) {
      watcher->armed = false;
      to_wake.push_back(watcher);
    }
  }
}

ObjectRef History::find(const Key& key) const {
  const std::shared_lock lock(lock_);
  const Resource* found = find_resource(key.resource);
  return found == nullptr ? nullptr : found->objects.find(key.ns, key.name);
}

ObjectRef History::find_event(std::string_view resource, Revision revision) const {
  const std::shared_lock lock(lock_);
  const Resource* found = find_resource(resource);
  if (found == nullptr) return nullptr;
  const auto sequence = found->ring.first_after(revision - 1);
  if (sequence == found->ring.end()) return nullptr;
  const Event& event = found->ring.at(sequence);
  return event.revision == revision ? event.object : nullptr;
}

std::size_t History::count(std::string_view resource) const {
  const std::shared_lock lock(lock_);
  const Resource* found = find_resource(resource);
  return found == nullptr ? 0 : found->objects.size();
}

// Whether all events after `revision` are there, and the revision was one of ours.
Result<void> History::check_reach(const Resource& resource, Revision revision) const {
  Revision oldest = resource.ring.floor();
  for (const auto& range : lost_) {
    if (revision > range.after && revision <= range.through) {
      oldest = std::max(oldest, range.through);
    }
  }
  if (revision >= oldest) return {};
  return errors::expired("too old resource version: " + std::to_string(revision) + " (" +
                         std::to_string(oldest) + ")");
}

Result<Snapshot> History::list(std::string_view resource, std::string_view ns,
                               std::string_view start_after, std::size_t limit, Revision at) const {
  const std::shared_lock lock(lock_);
  const Revision now = revision_.load(std::memory_order_relaxed);
  if (at > now) return too_large_revision(at, now);
  static const Resource kNone;
  const Resource* found = find_resource(resource);
  if (found == nullptr) found = &kNone;
  ListRange range{ns, {}, {}, !start_after.empty()};
  const auto slash = start_after.find('/');
  if (slash == std::string_view::npos) {
    range.after_name = start_after;
  } else {
    range.after_ns = start_after.substr(0, slash);
    range.after_name = start_after.substr(slash + 1);
  }
  Snapshot snapshot{at == 0 ? now : at, {}, false, 0};
  if (at == 0 || at == now) {
    list_now(found->objects, range, limit, snapshot);
    return snapshot;
  }
  if (auto reached = check_reach(*found, at); !reached) {
    return std::unexpected(std::move(reached.error()));
  }
  list_past(found->objects, found->ring, range, limit, at, snapshot);
  return snapshot;
}

Result<std::unique_ptr<Watcher>> History::watch(std::string_view resource_name, std::string_view ns,
                                                Revision after, std::function<void()> wake) {
  auto state = std::make_shared<WatcherState>(std::move(wake), after);
  const std::lock_guard lock(lock_);
  Resource& watched = resource(resource_name);
  if (auto reached = check_reach(watched, after); !reached) {
    return std::unexpected(std::move(reached.error()));
  }
  state->cursor = watched.ring.first_after(after);
  state->pending = state->cursor < watched.ring.end();
  auto& [scope, others] = *watched.watchers.try_emplace(std::string(ns)).first;
  state->slot = static_cast<std::uint32_t>(others.size());
  others.push_back(state);
  return std::make_unique<HistoryWatcher>(shared_from_this(), std::move(state), watched, scope);
}

void History::remove(const std::shared_ptr<WatcherState>& watcher, Resource& resource,
                     const std::string& ns) {
  const std::lock_guard lock(lock_);
  auto& watchers = resource.watchers;
  const auto found = watchers.find(ns);
  auto& others = found->second;
  others.back()->slot = watcher->slot;
  others[watcher->slot] = others.back();
  others.pop_back();
  if (others.empty()) watchers.erase(found);
}

}  // namespace pinnace::store
