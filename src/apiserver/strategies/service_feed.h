// ServiceFeed tells the allocators what the stored Services hold, whoever wrote them.
//
// Why lazily: it takes in what has changed when somebody wants an address, and does nothing else.
// Threads: any, with the lock held, from before `refresh` to after what is decided by it; and while
//   a write that is over gives back what it took, so that everything is held or taken at all times.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "api/value.h"
#include "apiserver/strategies/allocator.h"
#include "apiserver/strategies/service_addresses.h"
#include "store/follower.h"

namespace pinnace::apiserver {

class ServiceFeed {
 public:
  ServiceFeed(store::Store& store, ServiceAddresses& addresses, PortAllocator& ports)
      : follower_(store, "services"), addresses_(addresses), ports_(ports) {}

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }
  void refresh();

 private:
  void hold(const store::Object& service, bool is_held);

  store::Follower follower_;
  ServiceAddresses& addresses_;
  PortAllocator& ports_;
  std::mutex mutex_;
};

// The addresses of a Service's spec that are its own, in their canonical form.
std::vector<std::string> addresses_of(const api::Value* spec);
// Every node port of a Service once: two protocols may share a number. Those of its ports alone,
// and with the one that tells of its health.
std::set<std::int64_t> node_ports_in(const api::Value& spec);
std::set<std::int64_t> node_ports_of(const api::Value* spec);

}  // namespace pinnace::apiserver
