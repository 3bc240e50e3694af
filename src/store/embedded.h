// EmbeddedStore is the Store of one process: all objects in memory, a journal on disk behind them.
//
// One writer takes everything that waits, checks it in order, writes it to the journal as one
// batch, and only then shows it to readers: whatever is read is durable (or was asked not to be).
// Bounds: `max_waiting_writes` and `max_waiting_bytes` wait; more get 503. Each resource keeps its
//   latest `ring_events` events, and at most `ring_bytes` of their JSON.
// Errors: a journal that cannot be written stops the process: nobody could say what is kept.
// Lifetime: the destructor finishes what waits. Watchers may outlive the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/clock.h"
#include "store/journal.h"
#include "store/store.h"
#include "store/transformer.h"

namespace pinnace::store {

class EmbeddedStore : public Store {
 public:
  struct Options {
    std::string directory;  // For `create`; made if it is missing.
    std::size_t ring_events = 4096;
    std::size_t ring_bytes = 8 << 20;
    std::size_t max_waiting_writes = 20'000;
    std::size_t max_waiting_bytes = 64 << 20;
    // Revisions that may be given out before a sync says so on disk (see record.h).
    Revision reserved_revisions = 10'000;
    // Without a thread of its own: `commit` writes on the caller's thread. For simulations.
    bool inline_writer = false;
    // Null: the writer never waits for more. Outlives the store.
    const Clock* clock = nullptr;
    // Null: everything is kept as it is. What is found kept otherwise is written again at start.
    std::shared_ptr<Transformer> transformer;
  };
  // What the writer did, for metrics.
  struct Counts {
    std::uint64_t writes = 0, batches = 0, syncs = 0, refused = 0;
  };

  // Over RocksDB. Fails if the directory cannot be used or its content is damaged.
  static Result<std::unique_ptr<EmbeddedStore>> create(Options options);
  // Over any journal. In memory only: pass a MemoryJournal on a new MemoryDisk.
  static Result<std::unique_ptr<EmbeddedStore>> create(Options options,
                                                       std::unique_ptr<Journal> journal);
  // Keeps nothing beyond its own life.
  static std::unique_ptr<EmbeddedStore> create_in_memory(Options options);

  virtual Counts counts() const = 0;
};

}  // namespace pinnace::store
