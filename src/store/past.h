// Lists of one resource: as it is, and as it was at an older revision that the ring still reaches.
//
// Threads: none of its own; the caller holds the history's lock.
#pragma once

#include <cstddef>
#include <string_view>

#include "store/event_ring.h"
#include "store/object_table.h"
#include "store/store.h"

namespace pinnace::store {

struct ListRange {
  std::string_view ns;  // empty: all
  std::string_view after_ns, after_name;
  bool has_after = false;
};

void list_now(const ObjectTable& objects, const ListRange& range, std::size_t limit, Snapshot& out);
// `at` must not be below the ring's floor.
void list_past(const ObjectTable& objects, const EventRing& ring, const ListRange& range,
               std::size_t limit, Revision at, Snapshot& out);

}  // namespace pinnace::store
