// Client speaks etcd's v3 API to whichever member of a cluster answers.
//
// Threads: all methods from any thread; callbacks run on threads of the client, or on the caller's
//   when it has stopped. Callbacks of one watch come one after another.
// Errors: 503 when nothing was done and may be tried again; 504 (Timeout) when it is not known
//   whether a write was done; Expired (410) for a revision that was compacted. A read, and a write
//   that was never sent, is tried on the other members before it fails.
// Bounds: every call ends within `request_timeout`, a watch by `stop` or its own end.
// Source: etcd v3 API reference; etcd client design ("client-architecture").
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "store/store.h"

namespace pinnace::store::etcd {

struct KeyValue {
  std::string key, value;
  Revision created = 0, modified = 0;
  std::uint64_t version = 0;  // How often it was written since it was created.
};

// Keys from `key` up to `end` (exclusive); `end` empty: that one key.
struct KeyRange {
  std::string key, end;
};
// Every key that begins with `prefix`.
KeyRange prefix_range(std::string prefix);

struct RangeQuery {
  KeyRange keys;
  std::size_t limit = 0;  // 0: all
  Revision at = 0;        // 0: now, agreed on by a majority
  bool count_only = false;
};
struct RangeAnswer {
  Revision revision = 0;  // The whole cluster's, when it answered.
  std::vector<KeyValue> pairs;
  bool more = false;
  std::uint64_t count = 0;
};

// Removals and puts, done at once if the guard holds.
struct Transaction {
  enum class Guard : std::uint8_t { kNone, kModified, kVersion };
  std::string key;  // What the guard looks at.
  Guard guard = Guard::kNone;
  std::uint64_t expected = 0;  // 0: the key must not be there.
  // Keys that must not have changed after the revision, either.
  std::vector<std::pair<std::string, Revision>> unchanged;
  std::vector<std::pair<std::string, std::string>> puts;
  std::vector<KeyRange> removals;
};
struct TransactionAnswer {
  bool succeeded = false;
  Revision revision = 0;          // Of the change, or of the cluster when the guard did not hold.
  std::optional<KeyValue> found;  // When the guard did not hold: what the key is.
};

struct WatchEvent {
  bool is_removal = false;
  KeyValue pair;
};
// All events of one or more whole revisions, in order.
using WatchEvents = std::vector<WatchEvent>;

// Destroying it ends the watch; its callbacks may still run until `Client::stop` returns.
class Watch {
 public:
  virtual ~Watch() = default;
};

class Client {
 public:
  struct Options {
    std::vector<std::string> endpoints;  // "https://host:port" or "http://host:port"
    // PEM; needed for https.
    std::string authority_pem, certificate_pem, private_key_pem;
    Duration request_timeout = std::chrono::seconds(10);
  };
  template <typename T>
  using Done = std::function<void(Result<T>)>;

  // Does not wait for a connection. 400 for endpoints or keys that cannot be used.
  static Result<std::shared_ptr<Client>> create(Options options);
  virtual ~Client() = default;

  virtual void range(RangeQuery query, Done<RangeAnswer> done) = 0;
  virtual void commit(Transaction transaction, Done<TransactionAnswer> done) = 0;
  virtual void compact(Revision revision, Done<void> done) = 0;
  // Events from `first` on. `ended` comes once, last: Expired when `first` was compacted.
  virtual std::unique_ptr<Watch> watch(KeyRange keys, Revision first,
                                       std::function<void(WatchEvents)> on_events,
                                       std::function<void(Error)> ended) = 0;
  // Something is wrong with the member in use: the next calls go to another one.
  virtual void try_another_member() = 0;
  // Ends what is under way and waits for its callbacks; later calls fail at once. Not from one.
  virtual void stop() = 0;
};

}  // namespace pinnace::store::etcd
