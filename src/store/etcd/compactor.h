// Compactor lets etcd forget old revisions: each time, those that are older than one interval.
//
// How: as kube-apiserver does. Whoever first moves the key `compacted` from the version that it saw
//   last compacts to the revision that it noted then; the others only take note of the new version.
// Threads: any.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>

#include "base/clock.h"
#include "store/etcd/layout.h"

namespace pinnace::store::etcd {

class Compactor : public std::enable_shared_from_this<Compactor> {
 public:
  Compactor(std::shared_ptr<Client> client, Layout layout, Executor& executor, Duration interval)
      : client_(std::move(client)),
        layout_(std::move(layout)),
        executor_(executor),
        interval_(interval) {}
  // Looks now and then, until it is destroyed.
  void start();

 private:
  void look();
  void looked(const Result<TransactionAnswer>& answer);

  const std::shared_ptr<Client> client_;
  const Layout layout_;
  Executor& executor_;
  const Duration interval_;
  std::mutex mutex_;
  std::uint64_t version_ = 0;  // Of the key, when it was last looked at...
  Revision revision_ = 0;      // ...and etcd's revision then.
};

}  // namespace pinnace::store::etcd
