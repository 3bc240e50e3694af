// Journal keeps what the store must find again after a restart: a small ordered map of bytes.
//
// Why: the store's core is the same over RocksDB and over plain memory, so that tests and
//   simulations run the product's code, and can lose power whenever they like.
// Threads: `write` and `scan` from one thread at a time.
// Errors: after a failed write nothing can be said about what is kept: the caller must stop.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pinnace::store {

class Journal {
 public:
  // Applied all or nothing: first the puts, in order, then the removals.
  struct Batch {
    struct Put {
      std::string key;
      std::string head;       // The value is `head` followed by `body`.
      std::string_view body;  // Must outlive the call of `write`.
    };
    std::vector<Put> puts;
    std::vector<std::string> removals;
    bool empty() const { return puts.empty() && removals.empty(); }
  };
  virtual ~Journal() = default;
  // With `sync`, returns when this batch and all before it survive a loss of power. Without, they
  // survive the end of the process, and a loss of power takes away a suffix of the batches.
  virtual Result<void> write(const Batch& batch, bool sync) = 0;
  // Every pair as it is when this begins, in the order of keys as bytes; stops at the first Error
  // of `visit` and returns it.
  using Visit = std::function<Result<void>(std::string_view key, std::string_view value)>;
  virtual Result<void> scan(const Visit& visit) = 0;
  // Rids the medium of what was written over or removed, as far as the medium can forget. Slow.
  virtual Result<void> purge() = 0;
};

}  // namespace pinnace::store
