#include "apiserver/registry/list_reach.h"

#include <utility>

namespace pinnace::apiserver {

void ListReach::start() {
  executor_.schedule_after(kListReach, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->floor_ = std::exchange(self->noted_, self->store_.revision());
    self->start();
  });
}

}  // namespace pinnace::apiserver
