// Loader reads everything that a cluster of etcd holds for us, page by page.
#pragma once

#include <functional>
#include <memory>

#include "store/etcd/layout.h"
#include "store/history.h"

namespace pinnace::store::etcd {

// All objects as they were at one revision: `replay` before the present, so that the events since
// then can follow, or the oldest that etcd still knows if it was compacted beyond that. `done`
// comes once.
// Bounds: a load that compactions overtake begins anew, ten times at most.
void load(std::shared_ptr<Client> client, Layout layout, Revision replay,
          std::function<void(Result<History::Loaded>)> done);

}  // namespace pinnace::store::etcd
