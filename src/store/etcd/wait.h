// What blocks until etcd has answered: at a store's start, and for backups.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>

#include "base/error.h"
#include "store/etcd/etcd_store.h"
#include "store/etcd/layout.h"

namespace pinnace::store::etcd {

// Starts `work` and waits until it calls back.
template <typename T>
Result<T> wait_for(const std::function<void(std::function<void(Result<T>)>)>& work) {
  std::mutex mutex;
  std::condition_variable ready;
  std::optional<Result<T>> outcome;
  work([&](Result<T> result) {
    const std::lock_guard lock(mutex);  // Held while notifying: the waiter owns both.
    outcome.emplace(std::move(result));
    ready.notify_one();
  });
  std::unique_lock lock(mutex);
  ready.wait(lock, [&] { return outcome.has_value(); });
  return std::move(*outcome);
}

struct Opened {
  std::shared_ptr<Client> client;
  Layout layout;
};
// A client for these members, and how objects stand there now.
Result<Opened> open_etcd(const EtcdAccess& access);

}  // namespace pinnace::store::etcd
