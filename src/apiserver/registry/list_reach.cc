#include "apiserver/registry/list_reach.h"

namespace pinnace::apiserver {
namespace {
constexpr std::size_t kNotes = kListReach / kListReachLook;
}  // namespace

void ListReach::start() {
  executor_.schedule_after(kListReachLook, [weak = weak_from_this()] {
    const auto self = weak.lock();
    if (!self) return;
    self->noted_.push_back(self->store_.revision());
    if (self->noted_.size() > kNotes) {
      self->floor_ = self->noted_.front();
      self->noted_.pop_front();
    }
    self->start();
  });
}

}  // namespace pinnace::apiserver
