// WorkQueue runs one function for keys that need attention, each in a fiber: while one key's work
// waits for an answer, others have their turn, up to `at_once`, but never the same key twice.
//
// A key that is added again before its turn is worked on once; one that is added while it is worked
// on has another turn afterwards. An Error brings the key back: after
// 5 ms, doubling to 1000 s; a Conflict (Retry::kAfterRead) waits a second at most, because the next
// try reads anew.
// Lifetime: the destructor calls off what is under way (see Fibers): what `work` uses must be there
//   until then.
// Threads: `work` runs on the executor; all methods from any thread, the destructor on the
//   executor's thread or when it has ended.
// Bounds: as many keys as there are objects; each waits in at most one place.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/metrics.h"

namespace pinnace::client {

class WorkQueue {
 public:
  using Work = std::function<Result<void>(const std::string& key)>;
  struct Options {
    std::string name;  // For logs and metrics.
    std::size_t at_once = 1;
    metrics::Registry* metrics = nullptr;  // Null: nobody counts.
  };
  WorkQueue(Executor& executor, Work work, Options options);
  WorkQueue(Executor& executor, Work work) : WorkQueue(executor, std::move(work), Options{}) {}
  ~WorkQueue();
  WorkQueue(const WorkQueue&) = delete;

  void add(const std::string& key);
  // An earlier time that was asked for stays.
  void add_after(const std::string& key, Duration delay);
  // Forgets the failures of a key.
  void forget(const std::string& key);
  // Adds all keys, now and then, for what no event tells. Replaces an earlier one.
  void resync_every(Duration period, std::function<std::vector<std::string>()> keys);
  // Keys that wait for their turn (not for a time).
  std::size_t size() const;

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace pinnace::client
