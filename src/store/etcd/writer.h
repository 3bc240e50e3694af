// Writer turns the store's writes into etcd's transactions.
//
// Threads: any. `done` runs on a thread of the client or the executor.
// Bounds: `max_waiting_writes` and `max_waiting_bytes` are under way or wait; more get 503. At most
//   512 are sent at once. Writes whose first guard is the same go one after another: they know of
//   one another, and only what other processes wrote in between is in their way.
#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "store/etcd/freshness.h"
#include "store/etcd/layout.h"
#include "store/history.h"
#include "store/store.h"

namespace pinnace::store::etcd {

class Writer : public std::enable_shared_from_this<Writer> {
 public:
  struct Options {
    std::shared_ptr<Client> client;
    Layout layout;
    std::shared_ptr<const History> history;
    std::shared_ptr<Freshness> freshness;
    std::size_t max_waiting_writes, max_waiting_bytes;
  };
  explicit Writer(Options options) : options_(std::move(options)) {}
  void commit(Write write, Store::Done done);

 private:
  struct Pending {
    Write write;
    Store::Done done;
    std::size_t bytes;
  };
  using PendingRef = std::shared_ptr<Pending>;
  // One guard's writes of this process. Only ours were made after `since`, up to `through`.
  struct Line {
    bool is_busy = false;  // Somebody is under way.
    std::deque<PendingRef> waiting;
    Revision since = 0, through = 0;
  };
  // More lines at rest than these are forgotten: who comes next may be refused, and looks again.
  static constexpr std::size_t kMaxLines = 4096;
  bool line_up(const PendingRef& pending);
  void leave_line(const PendingRef& pending, Revision made);
  Revision seen_of(const Guard& guard);
  void send(const PendingRef& pending);
  Result<Transaction> transaction_of(Write& write);
  void answered(const PendingRef& pending, Result<TransactionAnswer> answer);
  void finish(const PendingRef& pending, Result<ObjectRef> result);
  Unexpected refusal_of(const Write& write, const TransactionAnswer& answer) const;
  Result<ObjectRef> made_by(const Write& write, Revision revision) const;

  const Options options_;
  std::mutex mutex_;
  std::deque<PendingRef> queue_;
  std::map<std::string, Line> lines_;
  std::size_t writes_ = 0, bytes_ = 0, sent_ = 0;
};

}  // namespace pinnace::store::etcd
