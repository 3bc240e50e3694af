#include "store/past.h"

#include <algorithm>
#include <map>
#include <utility>

namespace pinnace::store {

namespace {

using Name = std::pair<std::string_view, std::string_view>;  // namespace, name

Name name_of(const ObjectRef& object) { return {object->key.ns, object->key.name}; }

struct Bounds {
  ObjectTable::Position first, end;
};

Bounds find_bounds(const ObjectTable& objects, const ListRange& range) {
  Bounds bounds{objects.begin(), objects.end()};
  if (objects.size() == 0) bounds.first = objects.end();
  if (!range.ns.empty()) {
    bounds.first = objects.lower_bound(range.ns, "");
    bounds.end = objects.namespace_end(range.ns);
  }
  if (range.has_after && objects.size() != 0) {
    const auto after = objects.upper_bound(range.after_ns, range.after_name);
    if (objects.rank(after) > objects.rank(bounds.first)) bounds.first = after;
  }
  return bounds;
}

bool in_range(const ListRange& range, const Name& name) {
  if (!range.ns.empty() && name.first != range.ns) return false;
  return !range.has_after || name > Name{range.after_ns, range.after_name};
}

// What each object that changed after `at` was at `at`; null: it was not there.
std::map<Name, ObjectRef> undo(const EventRing& ring, const ListRange& range, Revision at) {
  std::map<Name, ObjectRef> before;
  for (auto i = ring.first_after(at); i < ring.end(); ++i) {
    const Event& event = ring.at(i);
    const Name name = name_of(event.object);
    if (in_range(range, name)) before.try_emplace(name, event.previous);
  }
  return before;
}

}  // namespace

void list_now(const ObjectTable& objects, const ListRange& range, std::size_t limit,
              Snapshot& out) {
  const Bounds bounds = find_bounds(objects, range);
  const std::size_t first = objects.rank(bounds.first), end = objects.rank(bounds.end);
  if (first >= end) return;
  const std::size_t total = end - first;
  const std::size_t count = limit == 0 ? total : std::min(limit, total);
  out.objects.reserve(count);
  auto at = bounds.first;
  for (std::size_t i = 0; i < count; ++i, at = objects.next(at)) {
    out.objects.push_back(objects.at(at));
  }
  out.more = count < total;
  out.remaining = total - count;
}

void list_past(const ObjectTable& objects, const EventRing& ring, const ListRange& range,
               std::size_t limit, Revision at, Snapshot& out) {
  const auto before = undo(ring, range, at);
  const Bounds bounds = find_bounds(objects, range);
  const auto take = [&](const ObjectRef& object) {
    if (limit == 0 || out.objects.size() < limit) {
      out.objects.push_back(object);
    } else {
      ++out.remaining;
    }
  };
  auto changed = before.begin();
  const auto take_until = [&](const Name* name) {  // Those that changed, before `name`.
    for (; changed != before.end() && (name == nullptr || changed->first < *name); ++changed) {
      if (changed->second) take(changed->second);
    }
  };
  const std::size_t end = objects.rank(bounds.end);
  auto live = bounds.first;
  for (std::size_t i = objects.rank(live); i < end; ++i, live = objects.next(live)) {
    const Name name = name_of(objects.at(live));
    take_until(&name);
    if (changed != before.end() && changed->first == name) {
      if (changed->second) take(changed->second);
      ++changed;
    } else {
      take(objects.at(live));
    }
  }
  take_until(nullptr);
  out.more = out.remaining > 0;
}

}  // namespace pinnace::store
