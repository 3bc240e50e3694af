// ListReach says how far back a list may go: for at least kListReach, and not for much longer.
//
// Why: who goes on with a list after longer than that is told so, as Kubernetes does since it
//   compacts etcd, instead of being shown a past that may be hours old. Watches go on from wherever
//   the store still knows what happened.
// Threads: any.
#pragma once

#include <atomic>
#include <deque>
#include <memory>

#include "base/clock.h"
#include "store/store.h"

namespace pinnace::apiserver {

inline constexpr Duration kListReach = std::chrono::minutes(5);
inline constexpr Duration kListReachLook = std::chrono::minutes(1);

class ListReach : public std::enable_shared_from_this<ListReach> {
 public:
  ListReach(Executor& executor, const store::Store& store) : executor_(executor), store_(store) {}

  // Before this nothing is too old. The store outlives what is started, or the executor ends first.
  void start();
  bool reaches(store::Revision revision) const { return revision >= floor_.load(); }

 private:
  Executor& executor_;
  const store::Store& store_;
  std::deque<store::Revision> noted_;  // Where the store was at the latest looks, oldest first.
  std::atomic<store::Revision> floor_{0};
};

}  // namespace pinnace::apiserver
