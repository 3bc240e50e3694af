// EtcdStore is the Store of several API servers: the objects are in etcd, and each server has them
// in memory too, as a cache that a watch keeps.
//
// Reads come from the cache: `when_current` says when it has every write that any server
//   acknowledged. Writes are transactions of etcd; they are answered once the cache shows them.
// Errors: 503 when no majority of etcd's members answers and nothing was done; Timeout (504) when
//   it is not known whether a write was done; 413 for an object beyond etcd's limit.
// Bounds: those of writer.h and freshness.h; each resource keeps its latest `ring_events` events,
//   and at most `ring_bytes` of their JSON.
// Lifetime: the destructor gives up what is under way. Watchers may outlive the store.
// Source: etcd v3 API reference; Kubernetes' storage and consistent reads (KEP-2340).
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::store {

// A cluster of etcd and the part of it that is ours.
struct EtcdAccess {
  std::vector<std::string> endpoints;  // "https://host:port"
  std::string authority_pem, certificate_pem, private_key_pem;
  std::string prefix = "/registry";
  Duration request_timeout = std::chrono::seconds(10);
  // Null: everything is kept as it is. What a store finds kept otherwise is written again at start.
  std::shared_ptr<Transformer> transformer;
};

class EtcdStore : public Store {
 public:
  struct Options {
    EtcdAccess etcd;
    std::size_t ring_events = 4096;
    std::size_t ring_bytes = 8 << 20;
    std::size_t max_waiting_writes = 20'000;
    std::size_t max_waiting_bytes = 64 << 20;
    Duration compaction_interval = std::chrono::minutes(5);  // Zero: never.
    Executor& executor;  // For timers; must not be the thread that destroys the store.
  };
  // Returns when the cache is filled. Fails if etcd does not answer in time.
  static Result<std::unique_ptr<EtcdStore>> create(Options options);
};

}  // namespace pinnace::store
