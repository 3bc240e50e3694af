// Translates what a watch of etcd says into the store's events. Pure.
#pragma once

#include <vector>

#include "store/etcd/layout.h"
#include "store/history.h"

namespace pinnace::store::etcd {

struct Translated {
  std::vector<Event> events;
  Revision through = 0;  // The last revision, which may have none of our objects.
};
// Revisions that `history` has are left out, and so is what does not decode (with a log line).
Translated translate(const Layout& layout, const History& history, const WatchEvents& watched);

}  // namespace pinnace::store::etcd
