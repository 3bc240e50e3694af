// ServiceFeed tells the allocators what the stored Services hold, whoever wrote them.
//
// Why lazily: it takes in what has changed when somebody wants an address, and does nothing else.
// Threads: any, with the lock held, from before `refresh` to after what is decided by it; and while
//   a write that is over gives back what it took, so that everything is held or taken at all times.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "api/value.h"
#include "apiserver/strategies/allocator.h"
#include "store/store.h"

namespace pinnace::apiserver {

class ServiceFeed {
 public:
  ServiceFeed(store::Store& store, IpAllocator& ips, PortAllocator& ports)
      : store_(store), ips_(ips), ports_(ports) {}

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  void refresh();

 private:
  void reload();
  void hold(const store::Object& service, bool is_held);

  store::Store& store_;
  IpAllocator& ips_;
  PortAllocator& ports_;
  std::mutex mutex_;
  std::unique_ptr<store::Watcher> watcher_;
};

// The address of a Service's spec, if it has one of its own.
std::string cluster_ip_of(const api::Value* spec);
// Every node port of a Service once: two protocols may share a number.
std::set<std::int64_t> node_ports_of(const api::Value* spec);

}  // namespace pinnace::apiserver
